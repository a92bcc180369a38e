// The pages work without this. It keeps them current without losing anyone's place, and puts times into the reader's own zone.
"use strict";
(() => {
  const body = document.body;
  const readerZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  const part = (at, zone, options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options }).format(at);
  const zoneName = (at) => new Intl.DateTimeFormat("en-GB", { timeZone: readerZone, timeZoneName: "short" })
    .formatToParts(at).find((piece) => piece.type === "timeZoneName").value.replace("GMT", "UTC");
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const dayNumber = (at) => Date.parse(part(at, readerZone, { year: "numeric", month: "2-digit", day: "2-digit" }).split("/").reverse().join("-")) / 864e5;
  const words = {
    full: (at) => `${part(at, readerZone, { weekday: "short" })} ${part(at, readerZone, { day: "numeric", month: "short", year: "numeric" })} ${part(at, readerZone, clock)} ${zoneName(at)}`,
    day: (at) => `${part(at, readerZone, { weekday: "short" })} ${part(at, readerZone, { day: "numeric", month: "short" })} ${part(at, readerZone, clock)} ${zoneName(at)}`,
    short: (at, now) => {
      if (Math.abs(dayNumber(at) - dayNumber(now)) <= 6) return `${part(at, readerZone, { weekday: "short" })} ${part(at, readerZone, clock)}`;
      const sameYear = part(at, readerZone, { year: "numeric" }) === part(now, readerZone, { year: "numeric" });
      const day = part(at, readerZone, { day: "numeric", month: "short" });
      return sameYear ? `${day} ${part(at, readerZone, clock)}` : `${day} ${part(at, readerZone, { year: "numeric" })}`;
    },
  };

  // Times: the server writes them in the desk's zone. A reader elsewhere gets their own, and the page says whose it is.
  const localise = (root) => {
    const moment = document.querySelector(".moment time");
    const now = moment ? new Date(moment.dateTime) : new Date();
    for (const time of root.querySelectorAll("time[data-zone]")) {
      if (time.dataset.zone === readerZone) continue;
      const at = new Date(time.dateTime);
      if (!time.title.includes("desk")) time.title = `${time.title} (the desk's time)`;
      time.textContent = words[time.dataset.form](at, now);
    }
    for (const label of root.querySelectorAll("th [data-zone]")) {
      if (label.dataset.zone !== readerZone) label.textContent = zoneName(now);
    }
  };

  // The age of the scores goes on while the page lies open.
  let agedFrom = performance.now();
  const ageText = (seconds) => {
    if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
    const minutes = Math.round(seconds / 60);
    return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  };
  const tickAge = () => {
    const shown = document.querySelector("[data-age]");
    if (shown) shown.textContent = ageText(Number(shown.dataset.age) + (performance.now() - agedFrom) / 1000);
  };

  // Polling: only what changed is replaced, and focus, scroll and selection stay where they were.
  const anchor = () => {
    if (window.scrollY < 120) return null;
    for (const row of document.querySelectorAll("tr[data-ticket]")) {
      const top = row.getBoundingClientRect().top;
      if (top > 0) return { ticket: row.dataset.ticket, top };
    }
    return null;
  };
  const rowOf = (ticket) => [...document.querySelectorAll("tr[data-ticket]")].find((row) => row.dataset.ticket === ticket);
  const isBusy = () => {
    const selection = window.getSelection();
    return Boolean(selection && !selection.isCollapsed && selection.toString().trim()) || Boolean(document.querySelector("dialog[open]"));
  };
  const risks = () => new Map([...document.querySelectorAll("tr[data-ticket]")].map((row) => [row.dataset.ticket, row.dataset.risk]));
  const announceChanges = (before) => {
    let fresh = 0, changed = 0;
    for (const row of document.querySelectorAll("tr[data-ticket]")) {
      const was = before.get(row.dataset.ticket);
      if (was === row.dataset.risk) continue;
      row.classList.add("fresh");
      if (was === undefined) fresh += 1; else changed += 1;
    }
    const said = [fresh && `${fresh} new on this page`, changed && `${changed} with another risk`].filter(Boolean).join(", ");
    if (said) document.getElementById("announcer").textContent = `Queue updated: ${said}.`;
  };
  const replaceLive = (fetched) => {
    const focused = document.activeElement && document.activeElement.id;
    const held = anchor();
    const before = risks();
    const open = [...document.querySelectorAll("details[open][id]")].map((item) => item.id);
    for (const region of document.querySelectorAll("[data-live][id]")) {
      const next = fetched.getElementById(region.id);
      if (next) region.replaceChildren(...next.childNodes);
    }
    for (const id of open) { const item = document.getElementById(id); if (item) item.open = true; }
    body.dataset.etag = fetched.body.dataset.etag;
    document.title = fetched.title;
    agedFrom = performance.now();
    localise(document);
    const again = focused && document.getElementById(focused);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
    const row = held && rowOf(held.ticket);
    if (row) window.scrollBy(0, row.getBoundingClientRect().top - held.top);
    if (before.size) announceChanges(before);
  };
  const lost = document.getElementById("lost");
  let isPolling = false; // a slow answer must not be overtaken by the next question
  const poll = async () => {
    if (document.hidden || isPolling || isBusy()) return;
    isPolling = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html", "If-None-Match": body.dataset.etag || "" } });
      if (body.dataset.page === "waiting") { if (answer.ok) location.reload(); return; }
      lost.hidden = true;
      if (answer.status === 304) return;
      const fetched = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (isBusy()) return; // someone began to select text meanwhile: next time
      if (answer.ok) replaceLive(fetched);
      else { lost.textContent = `slacast answers with an error (${answer.status}); what you see may be old.`; lost.hidden = false; }
    } catch {
      lost.textContent = "slacast does not answer; what you see may be old. Trying again.";
      lost.hidden = false;
    } finally {
      isPolling = false;
    }
  };

  localise(document);
  setInterval(tickAge, 1000);
  const every = Number(body.dataset.pollSeconds);
  if (every) {
    setInterval(poll, every * 1000);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
  }
  // Filters act at once; the button stays for those without script.
  for (const select of document.querySelectorAll(".filters select")) select.addEventListener("change", () => select.form.requestSubmit());
  const form = document.querySelector(".filters");
  if (form) form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
})();
