// The service worker of the counter: it keeps the page and its files, answers with them when the network does not, and touches
// nothing else. "settings" stands above: the page's path, its files by content, the name of this version's cache.
const family = settings.cache.slice(0, settings.cache.lastIndexOf('-') + 1);

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(settings.cache).then((cache) => cache.addAll([settings.page, ...settings.files])).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((one) => one.startsWith(family) && one !== settings.cache).map((one) => caches.delete(one))))
    .then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method !== 'GET' || origin !== self.location.origin) return;
  if (event.request.mode === 'navigate' && pathname === settings.page) event.respondWith(fresh(event.request));
  else if (settings.files.includes(pathname)) event.respondWith(keptOr(event.request));
});

// fresh prefers the page as the service has it now; an error of the service is no page.
async function fresh(request) {
  const kept = await caches.match(settings.page);
  try {
    const answer = await fetch(request);
    return answer.status < 500 || !kept ? answer : kept;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

async function keptOr(request) {
  return await caches.match(request) ?? fetch(request);
}
