/**
 * An object that is another one but for some of its methods.
 *
 * @module
 */

/** `methods` in place of the target's; what else there is keeps the target as its `this`. */
export function overlay<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      const method: unknown = Reflect.get(methods, key);
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
