"use strict";
// Keeps the page as it is on the server: asks with the tag that it has, and takes in the sections that changed. A section in which
// somebody types or has put the focus is left alone until they are done. Times count on between two answers.
(() => {
  const every = 2000, body = document.body, live = document.getElementById("live");
  let tag = body.dataset.tag, skew = Date.parse(body.dataset.now) - Date.now(), going = body.dataset.live === "yes", asking = false, failed = 0;
  const shown = new Map();
  for (const s of document.querySelectorAll("[data-live][id]")) shown.set(s.id, s.outerHTML);

  const coarse = (ms) => {
    const s = Math.floor(ms / 1000), f = Math.floor;
    if (s >= 48 * 3600) return `${f(s / 86400)} d ${f(s % 86400 / 3600)} h`;
    if (s >= 3600) return `${f(s / 3600)} h ${f(s % 3600 / 60)} min`;
    if (s >= 60) return `${f(s / 60)} min ${s % 60} s`;
    return `${s} s`;
  };
  const tick = () => {
    const now = Date.now() + skew;
    for (const t of document.querySelectorAll("time[data-due]")) {
      const left = Date.parse(t.dateTime) - now, text = left < 0 ? "OVERDUE by " + coarse(-left) : coarse(left) + " left";
      if (t.textContent !== text) t.textContent = text;
    }
  };
  const say = (text) => { live.textContent = text; };
  const clock = () => new Date(Date.now() + skew).toISOString().slice(11, 19) + "Z";
  const inUse = (s) => {
    if (s.contains(document.activeElement) && document.activeElement !== document.body) return true;
    for (const f of s.querySelectorAll("textarea, input:not([type=hidden])")) if (f.type === "radio" ? f.checked : f.value) return true;
    return false;
  };
  const take = (next) => {
    let held = false;
    const main = document.getElementById("main"), wanted = [...next.querySelectorAll("main > [data-live][id]")];
    const ids = new Set(wanted.map((s) => s.id));
    for (const s of main.querySelectorAll(":scope > [data-live][id]")) if (!ids.has(s.id)) { s.remove(); shown.delete(s.id); }
    let before = null;
    for (const s of wanted) {
      const old = document.getElementById(s.id), html = s.outerHTML;
      if (!old) {
        const fresh = document.importNode(s, true);
        if (before) before.after(fresh); else main.prepend(fresh);
        before = fresh;
      } else if (shown.get(s.id) === html) {
        before = old;
        continue;
      } else if (inUse(old)) {
        held = true;
        before = old;
        continue;
      } else {
        const fresh = document.importNode(s, true);
        for (const d of old.querySelectorAll("details[id]")) {
          const twin = fresh.querySelector("#" + CSS.escape(d.id));
          if (twin) twin.open = d.open;
        }
        old.replaceWith(fresh);
        before = fresh;
      }
      shown.set(s.id, html);
    }
    document.title = next.title;
    return held;
  };
  const ask = () => {
    if (!going || asking || document.hidden) return;
    asking = true;
    const x = new XMLHttpRequest();
    x.open("GET", location.href);
    x.responseType = "document";
    x.timeout = 15000;
    x.setRequestHeader("If-None-Match", tag);
    x.onloadend = () => {
      asking = false;
      if (x.status === 304) { failed = 0; say(`Live. Checked at ${clock()}. All times are UTC.`); return; }
      if (x.status === 401 || x.status === 403) { going = false; say("You are signed out: load the page again."); return; }
      const now = x.status === 200 && x.response && x.response.body.dataset.now;
      if (!now) { failed++; say(`No answer since ${failed} tries; what is shown may be old. Trying again.`); return; }
      failed = 0;
      skew = Date.parse(now) - Date.now();
      const held = take(x.response);
      // What was held back is asked for again: the tag stays the old one until everything is shown.
      if (!held) tag = x.response.body.dataset.tag;
      going = x.response.body.dataset.live === "yes";
      say(held ? "Something changed in a part where you are at work; it is shown when you are done." : `Live. Changed at ${clock()}. All times are UTC.`);
      tick();
    };
    x.send();
  };
  tick();
  setInterval(tick, 1000);
  setInterval(ask, every);
  document.addEventListener("visibilitychange", ask);
})();
