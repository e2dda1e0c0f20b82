// Keeps the page's files, so that it opens, and says what is wrong, while the editor's
// process is away. The network comes first: what is kept is never older than it must be.
const CACHE = "orrery-shell-1";
const SHELL = [
  "/",
  "/boot.js",
  "/page.js",
  "/page.css",
  "/icon.svg",
  "/icon-192.png",
  "/manifest.webmanifest",
];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)));
  self.skipWaiting();
});

self.addEventListener("activate", (event) => {
  event.waitUntil(dropOthers());
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== self.location.origin || !SHELL.includes(pathname)) return;
  event.respondWith(fetchOrKept(event.request, pathname));
});

async function dropOthers() {
  for (const name of await caches.keys()) {
    if (name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

async function fetchOrKept(request, pathname) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(pathname, response.clone());
    return response;
  } catch (error) {
    const kept = await cache.match(pathname);
    if (kept) return kept;
    throw error;
  }
}
