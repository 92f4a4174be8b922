// What pages do beyond showing themselves. Each works without it: sliders move the field they belong to, a plan follows
// them, feedback waits for a network, and how fast a page was is told.
"use strict";
(() => {
  const body = document.body;
  const say = (text) => { const said = document.getElementById("said"); if (said) said.textContent = text; };

  // Sliders.
  for (const slider of document.querySelectorAll("[data-slider-of]")) {
    const field = document.getElementById(slider.dataset.sliderOf);
    slider.hidden = false;
    slider.addEventListener("input", () => { field.value = slider.value; field.dispatchEvent(new Event("input", { bubbles: true })); });
    field.addEventListener("change", () => { if (field.value !== "") slider.value = field.value.replace(",", "."); });
  }

  // A form whose answer is a part of this page.
  for (const form of document.querySelectorAll("form[data-live]")) {
    let waiting = 0, asked = 0;
    const follow = async () => {
      const turn = ++asked;
      const query = new URLSearchParams(new FormData(form));
      for (const [name, value] of [...query]) if (value === "") query.delete(name);
      const target = `${form.getAttribute("action")}?${query}`;
      try {
        const answer = await fetch(target);
        if (turn !== asked || answer.redirected) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const part = page.getElementById(form.dataset.live);
        if (!part) return;
        document.getElementById(form.dataset.live).replaceWith(part);
        history.replaceState(null, "", target);
      } catch { /* the button still works when there is a network again */ }
    };
    form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(follow, 300); });
  }

  // Whoever types a word to confirm something sees when it is right.
  for (const field of document.querySelectorAll("[data-confirms]")) {
    const button = field.form.querySelector("button");
    const check = () => { button.disabled = field.value !== field.dataset.confirms; };
    field.addEventListener("input", check);
    check();
  }

  // Work that goes on: its part of the page is fetched anew until it has ended.
  const goesOn = () => document.querySelector("[data-goes-on]");
  const look = async () => {
    const old = goesOn();
    if (!old) return;
    try {
      const answer = await fetch(location.pathname, { cache: "no-store" });
      if (answer.redirected || !answer.ok) return;
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(old.id);
      if (!part || !part.hasAttribute("data-goes-on")) { location.replace(location.pathname); return; }
      old.replaceWith(part);
    } catch { /* again when there is a network */ }
    setTimeout(look, 1000);
  };
  if (goesOn()) setTimeout(look, 500);

  // Feedback that waits for a network. What is kept is what was typed, never a credential.
  const KEY = "larder-queue";
  // What another tenant typed on this device waits for its own.
  const tenant = body.dataset.tenant;
  const all = () => { try { return JSON.parse(localStorage.getItem(KEY)) || []; } catch { return []; } };
  const read = () => all().filter((one) => one.tenant === tenant);
  const write = (queue) => {
    const others = all().filter((one) => one.tenant !== tenant);
    try { localStorage.setItem(KEY, JSON.stringify([...others, ...queue])); return true; } catch { return false; }
  };
  const tokenOf = (page) => page.querySelector("input[name=form_token]")?.value;
  const send = (action, fields, token) => {
    const form = new URLSearchParams(fields.filter(([name]) => name !== "form_token"));
    form.set("form_token", token);
    return fetch(action, { method: "POST", body: form, headers: { accept: "application/json" } });
  };
  const tellQueue = (count) => { if (count > 0) say(body.dataset.queued.replace("{count}", count)); };
  let sending = false;
  const sync = async () => {
    if (sending || !navigator.onLine || read().length === 0 || body.dataset.signedIn !== "yes") return;
    sending = true;
    try {
      // The page may be an old one: the token is that of the session now.
      const fresh = await fetch("/console/feedback", { cache: "no-store" });
      if (fresh.redirected || !fresh.ok || fresh.headers.get("x-from-cache")) return;
      const token = tokenOf(new DOMParser().parseFromString(await fresh.text(), "text/html"));
      let sent = 0;
      while (read().length > 0) {
        const [first, ...rest] = read();
        const answer = await send(first.action, first.fields, token);
        if (answer.status === 400) {
          const problem = (await answer.json()).problem || {};
          write([...rest, { ...first, refused: problem.detail || "" }]);
          say(`${body.dataset.keptBack} ${problem.detail || ""}`);
          if (read().every((one) => one.refused !== undefined)) return;
          continue;
        }
        if (!answer.ok) return;
        write(rest);
        sent += 1;
      }
      if (sent > 0) say(body.dataset.sent.replace("{count}", sent));
    } catch { /* the next time there is a network */ } finally { sending = false; }
  };
  for (const form of document.querySelectorAll("form[data-offline]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const fields = [...new FormData(form)];
      const token = fields.find(([name]) => name === "form_token")?.[1];
      try {
        const answer = navigator.onLine ? await send(form.action, fields, token) : null;
        if (answer) {
          if (answer.ok) { say(body.dataset.sent.replace("{count}", 1)); return; }
          // The page that says why, or asks to sign in with everything that was typed.
          form.submit();
          return;
        }
      } catch { /* no network */ }
      const kept = write([...read(), { tenant, action: form.getAttribute("action"), fields: fields.filter(([name]) => name !== "form_token") }]);
      if (kept) tellQueue(read().length); else form.submit();
    });
  }
  addEventListener("online", sync);
  tellQueue(read().length);
  sync();

  if ("serviceWorker" in navigator) {
    if (body.dataset.signedIn === "yes") navigator.serviceWorker.register("/console/worker.js", { scope: "/console/" }).catch(() => {});
    // The worker keeps what it fetched: this page too, though it was here before it.
    if (document.querySelector("form[data-offline]")) {
      navigator.serviceWorker.addEventListener("controllerchange", () => {
        const beside = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((one) => one.href || one.src);
        for (const url of [location.href, ...beside]) fetch(url).catch(() => {});
      });
    }
    for (const form of document.querySelectorAll("form[data-signs-out]")) {
      form.addEventListener("submit", () => caches.keys().then((names) => names.forEach((name) => caches.delete(name))));
    }
  }

  // How the page did.
  const told = { path: location.pathname, errors: [] };
  const watch = (type, take, more) => {
    try { new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more }); } catch { /* not every browser */ }
  };
  watch("paint", (entry) => { if (entry.name === "first-contentful-paint") told.fcp_ms = entry.startTime; });
  watch("largest-contentful-paint", (entry) => { told.lcp_ms = entry.startTime; });
  watch("layout-shift", (entry) => { if (!entry.hadRecentInput) told.cls = (told.cls || 0) + entry.value; });
  watch("event", (entry) => { if (entry.interactionId) told.inp_ms = Math.max(told.inp_ms || 0, entry.duration); }, { durationThreshold: 40 });
  addEventListener("error", (event) => told.errors.push(String(event.message).slice(0, 300)));
  addEventListener("unhandledrejection", (event) => told.errors.push(String(event.reason).slice(0, 300)));
  document.addEventListener("securitypolicyviolation", (event) => told.errors.push(`refused by policy: ${event.violatedDirective}`));
  let isTold = false;
  const tell = () => {
    if (isTold) return;
    isTold = true;
    const [entry] = performance.getEntriesByType("navigation");
    if (entry) told.ttfb_ms = entry.responseStart;
    told.cls = told.cls || 0;
    fetch("/console/vitals", { method: "POST", body: JSON.stringify(told), keepalive: true }).catch(() => {});
  };
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") tell(); });
  addEventListener("pagehide", tell);
})();
