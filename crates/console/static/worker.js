// Keeps the feedback form and what it needs at hand without a network. Nothing else of the console is kept: figures that
// are old must not look like new ones.
"use strict";
const NAME = "larder-{version}";
const isForm = (url) => url.pathname === "/console/feedback";
const isFile = (url) => url.pathname.startsWith("/console/static/");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("larder-") && name !== NAME) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin || !(isForm(url) || isFile(url))) return;
  event.respondWith((async () => {
    const cache = await caches.open(NAME);
    if (isFile(url)) {
      const kept = await cache.match(event.request);
      if (kept) return kept;
    }
    try {
      const answer = await fetch(event.request);
      if (answer.ok && !answer.redirected) await cache.put(event.request, answer.clone());
      return answer;
    } catch (error) {
      const kept = await cache.match(event.request) || (isForm(url) && await cache.match("/console/feedback", { ignoreSearch: true }));
      if (!kept) throw error;
      const headers = new Headers(kept.headers);
      headers.set("x-from-cache", "1");
      return new Response(kept.body, { status: kept.status, headers });
    }
  })());
});
