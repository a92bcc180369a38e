// The pages work without this. It keeps them current without losing anyone's place, and puts times into the reader's own zone.
"use strict";
(() => {
  const words = JSON.parse(document.body.dataset.words);
  const dates = JSON.parse(document.body.dataset.dates);
  const page = () => document.getElementById("page");
  const fill = (form, values) => form.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const say = (text) => { document.getElementById("announcer").textContent = text; };
  const readerZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

  // Times: the server writes them in the desk's zone. A reader elsewhere gets their own, and the page says whose it is.
  const zoneName = (at) => new Intl.DateTimeFormat("en-GB", { timeZone: readerZone, timeZoneName: "short" })
    .formatToParts(at).find((piece) => piece.type === "timeZoneName").value.replace("GMT", "UTC");
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: readerZone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const read = (at) => {
    const found = Object.fromEntries(parts.formatToParts(at).map((piece) => [piece.type, piece.value]));
    const day = new Date(Date.UTC(Number(found.year), Number(found.month) - 1, Number(found.day)));
    return { clock: `${found.hour}:${found.minute}`, weekday: dates.weekdays[(day.getUTCDay() + 6) % 7], number: day.getTime() / 864e5,
      day: Number(found.day), month: dates.months[Number(found.month) - 1], year: Number(found.year) };
  };
  const forms = {
    full: (at) => { const it = read(at); return `${it.weekday} ${fill(dates.dayOfYear, it)} ${it.clock} ${zoneName(at)}`; },
    day: (at) => { const it = read(at); return `${it.weekday} ${fill(dates.day, it)} ${it.clock} ${zoneName(at)}`; },
    short: (at, now) => {
      const it = read(at), here = read(now);
      if (Math.abs(it.number - here.number) <= 6) return `${it.weekday} ${it.clock}`;
      return it.year === here.year ? `${fill(dates.day, it)} ${it.clock}` : fill(dates.dayOfYear, it);
    },
  };
  const localise = (root) => {
    const moment = document.querySelector(".moment time");
    const now = moment ? new Date(moment.dateTime) : new Date();
    for (const time of root.querySelectorAll("time[data-zone]")) {
      if (time.dataset.zone === readerZone) continue;
      const at = new Date(time.dateTime);
      if (!time.title.includes(words.deskTime)) time.title = `${time.title} ${words.deskTime}`;
      time.textContent = forms[time.dataset.form](at, now);
    }
    for (const label of root.querySelectorAll("th [data-zone]")) {
      if (label.dataset.zone !== readerZone) label.textContent = zoneName(now);
    }
  };

  // The age of the scores goes on while the page lies open.
  let agedFrom = performance.now();
  const ageText = (seconds) => {
    if (seconds < 120) return `${Math.max(0, Math.round(seconds))} ${words.s}`;
    const minutes = Math.round(seconds / 60);
    return minutes < 60 ? `${minutes} ${words.min}` : `${Math.floor(minutes / 60)} ${words.h} ${minutes % 60} ${words.min}`;
  };
  setInterval(() => {
    const shown = document.querySelector("[data-age]");
    if (shown) shown.textContent = ageText(Number(shown.dataset.age) + (performance.now() - agedFrom) / 1000);
  }, 1000);

  // Polling: only what changed is replaced, and focus, scroll and selection stay where they were.
  const rowsShown = () => [...document.querySelectorAll("tr[data-ticket]")];
  const anchor = () => {
    if (window.scrollY < 120) return null;
    for (const row of rowsShown()) {
      const top = row.getBoundingClientRect().top;
      if (top > 0) return { ticket: row.dataset.ticket, top };
    }
    return null;
  };
  const rowOf = (ticket) => rowsShown().find((row) => row.dataset.ticket === ticket);
  const isBusy = () => {
    const selection = window.getSelection();
    return Boolean(selection && !selection.isCollapsed && selection.toString().trim()) || Boolean(document.querySelector("dialog[open]"));
  };
  const risks = () => new Map(rowsShown().map((row) => [row.dataset.ticket, row.dataset.risk]));
  const announceChanges = (before) => {
    let fresh = 0, changed = 0;
    for (const row of rowsShown()) {
      const was = before.get(row.dataset.ticket);
      if (was === row.dataset.risk) continue;
      row.classList.add("fresh");
      if (was === undefined) fresh += 1; else changed += 1;
    }
    const said = [fresh && fill(words.fresh, { count: fresh }), changed && fill(words.changed, { count: changed })].filter(Boolean).join(", ");
    if (said) say(fill(words.updated, { what: said }));
  };
  const replaceLive = (fetched) => {
    const focused = document.activeElement && document.activeElement.id;
    const held = anchor();
    const before = risks();
    const open = [...document.querySelectorAll("details[open][id]")].map((item) => item.id);
    for (const region of document.querySelectorAll("[data-live][id]")) {
      const next = fetched.getElementById(region.id);
      if (next) { region.replaceChildren(...next.childNodes); if (window.htmx) window.htmx.process(region); }
    }
    for (const id of open) { const item = document.getElementById(id); if (item) item.open = true; }
    page().dataset.etag = fetched.getElementById("page").dataset.etag;
    document.title = fetched.title;
    agedFrom = performance.now();
    localise(document);
    const again = focused && document.getElementById(focused);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
    const row = held && rowOf(held.ticket);
    if (row) window.scrollBy(0, row.getBoundingClientRect().top - held.top);
    if (before.size) announceChanges(before);
  };
  const loses = (text) => { const lost = document.getElementById("lost"); lost.hidden = !text; lost.textContent = text; };
  let isPolling = false; // a slow answer must not be overtaken by the next question
  const poll = async () => {
    if (document.hidden || isPolling || isBusy()) return;
    isPolling = true;
    const asked = location.href;
    try {
      const answer = await fetch(asked, { cache: "no-store", headers: { Accept: "text/html", "If-None-Match": page().dataset.etag || "" } });
      if (page().dataset.page === "waiting") { if (answer.ok) location.reload(); return; }
      loses("");
      if (answer.status === 304) return;
      const text = await answer.text();
      if (isBusy() || location.href !== asked) return; // someone began to select text, or went on, meanwhile: next time
      if (answer.ok) replaceLive(new DOMParser().parseFromString(text, "text/html"));
      else loses(fill(words.failed, { status: answer.status }));
    } catch {
      loses(words.lost);
    } finally {
      isPolling = false;
    }
  };
  let timer = 0;
  const start = () => {
    agedFrom = performance.now();
    localise(document);
    clearInterval(timer);
    const every = Number(page().dataset.pollSeconds);
    if (every) timer = setInterval(poll, every * 1000);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && page().dataset.pollSeconds) poll(); });
  document.addEventListener("htmx:after:swap", start);

  // Filters act at once; the button stays for those without script. What is not set does not clutter the address.
  document.addEventListener("change", (event) => { if (event.target.matches(".filters select")) event.target.form.requestSubmit(); });
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches(".filters")) return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
  start();
})();
