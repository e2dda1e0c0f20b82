/**
 * Bounds on what a folder of manifests may hold, so that no file can take a
 * process's memory or time.
 *
 * @module
 */

export const FILE_BYTES_MAX = 1 << 20;
export const FILES_MAX = 1024;
/** Maps and lists inside one another. */
export const NESTING_MAX = 32;
/** Each is looked up in the whole file. */
export const ALIASES_MAX = 100;
/** Values of one file, where what an alias stands for counts each time. */
export const VALUES_MAX = 500_000;
export const COMPONENTS_MAX = 1024;
/** Of one component. */
export const FIELDS_MAX = 64;
export const SYSTEMS_MAX = 256;
/** Of one system. */
export const BROADCASTS_MAX = 16;
export const INSTANCES_MAX = 64;
export const DEADLINE_MS_MAX = 600_000;
export const NAME_LENGTH_MAX = 64;
/** Of a field, in characters. */
export const UNIT_LENGTH_MAX = 16;
/** Of whatever has one, in characters. */
export const DESCRIPTION_LENGTH_MAX = 4096;
/** Of one world. */
export const ENTITIES_MAX = 10_000_000;
/** Problems of one file that are kept. */
export const PROBLEMS_MAX = 1000;
/** Problems that an error's message shows; the error itself has them all. */
export const PROBLEMS_SHOWN_MAX = 100;
