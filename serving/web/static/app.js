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
  const zoneNames = new Map(); // by offset: building a formatter takes longer than a hundred rows
  const zoneName = (at) => {
    const offset = at.getTimezoneOffset();
    if (!zoneNames.has(offset)) {
      const parts = new Intl.DateTimeFormat("en-GB", { timeZone: readerZone, timeZoneName: "short" }).formatToParts(at);
      zoneNames.set(offset, parts.find((piece) => piece.type === "timeZoneName").value.replace("GMT", "UTC"));
    }
    return zoneNames.get(offset);
  };
  const two = (number) => String(number).padStart(2, "0");
  const read = (at) => ({ clock: `${two(at.getHours())}:${two(at.getMinutes())}`, weekday: dates.weekdays[(at.getDay() + 6) % 7],
    number: Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 864e5, day: at.getDate(), month: dates.months[at.getMonth()], year: at.getFullYear() });
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
  const ticked = () => [...document.querySelectorAll("tr[data-ticket] input:checked")];
  const held = () => {
    if (document.querySelector("dialog[open]")) return words.heldDialog;
    return ticked().length ? words.heldTicks : "";
  };
  const isSelecting = () => { const chosen = window.getSelection(); return Boolean(chosen && !chosen.isCollapsed && chosen.toString().trim()); };
  const isBusy = () => Boolean(held()) || isSelecting();
  const showHeld = () => { const shown = document.getElementById("held"), why = page().dataset.pollSeconds ? held() : ""; shown.hidden = !why; shown.textContent = why; };
  const risks = () => new Map(rowsShown().map((row) => [row.dataset.ticket, row.dataset.risk]));
  const markFresh = (before) => {
    for (const row of rowsShown()) if (before.get(row.dataset.ticket) !== row.dataset.risk) row.classList.add("fresh");
  };
  const adopt = (region, next) => { region.replaceChildren(...next.childNodes); if (window.htmx) window.htmx.process(region); };
  const keepingPlace = (change) => {
    const focused = document.activeElement && document.activeElement.id;
    const place = anchor();
    const open = [...document.querySelectorAll("details[open][id]")].map((item) => item.id);
    change();
    for (const id of open) { const item = document.getElementById(id); if (item) item.open = true; }
    const again = focused && document.getElementById(focused);
    if (again && again !== document.activeElement) again.focus({ preventScroll: true });
    const row = place && rowOf(place.ticket);
    if (row) window.scrollBy(0, row.getBoundingClientRect().top - place.top);
  };
  // What came meanwhile is announced and waits until it is asked for: rows do not jump under the pointer. Rows that stay are kept current.
  let waiting = null;
  const differences = (next) => {
    const now = rowsShown().map((row) => row.dataset.ticket), then = [...next.querySelectorAll("tr[data-ticket]")].map((row) => row.dataset.ticket);
    const fresh = then.filter((ticket) => !now.includes(ticket)).length, gone = now.filter((ticket) => !then.includes(ticket)).length;
    const isSame = now.length === then.length && now.every((ticket, place) => ticket === then[place]);
    return { fresh, gone, isMoved: !isSame && !fresh && !gone };
  };
  const updateRows = (next) => {
    const found = new Map([...next.querySelectorAll("tr[data-ticket]")].map((row) => [row.dataset.ticket, row]));
    for (const row of rowsShown()) {
      const other = found.get(row.dataset.ticket);
      if (!other) { row.classList.add("gone"); continue; }
      if (other.innerHTML === row.innerHTML) continue;
      const copy = document.importNode(other, true);
      row.dataset.risk = copy.dataset.risk; row.className = copy.className; adopt(row, copy);
    }
  };
  const showNews = () => {
    if (!waiting) return;
    const before = risks();
    keepingPlace(() => { adopt(document.getElementById("list"), document.importNode(waiting, true)); markFresh(before); localise(document.getElementById("list")); });
    forgetNews();
  };
  const forgetNews = () => { waiting = null; const news = document.getElementById("news"); if (news) news.hidden = true; };
  const tellNews = (next, changes, before) => {
    const changed = rowsShown().filter((row) => before.get(row.dataset.ticket) !== row.dataset.risk).length;
    const told = [changes.fresh && fill(words.fresh, { count: changes.fresh }), changes.gone && fill(words.gone, { count: changes.gone }), changes.isMoved && words.moved].filter(Boolean);
    const news = document.getElementById("news");
    if (news && told.length) { waiting = next; news.hidden = false; news.firstElementChild.textContent = `${told.join(", ")}.`; } else forgetNews();
    const said = [...told, changed && fill(words.changed, { count: changed })].filter(Boolean).join(", ");
    if (said) say(fill(words.updated, { what: said }));
  };
  const replaceLive = (fetched, isAskedFor) => {
    const before = risks(), next = fetched.getElementById("list");
    const isWaiting = !isAskedFor && Boolean(next) && before.size > 0 && next.querySelector("tr[data-ticket]") !== null;
    const changes = isWaiting ? differences(next) : { fresh: 0, gone: 0, isMoved: false };
    const mayWait = isWaiting && (changes.fresh || changes.gone || changes.isMoved);
    keepingPlace(() => {
      for (const region of document.querySelectorAll("[data-live][id]")) {
        const other = fetched.getElementById(region.id);
        if (!other) continue;
        if (region.id === "list" && mayWait) updateRows(other); else adopt(region, document.importNode(other, true));
      }
      localise(document);
    });
    page().dataset.etag = fetched.getElementById("page").dataset.etag;
    document.title = fetched.title;
    agedFrom = performance.now();
    markFresh(before.size ? before : risks());
    if (mayWait) tellNews(next, changes, before); else { forgetNews(); if (before.size && !isAskedFor) tellNews(next, changes, before); }
    showTicked();
  };
  const loses = (text) => { const lost = document.getElementById("lost"); lost.hidden = !text; lost.textContent = text; };
  let isPolling = false; // a slow answer must not be overtaken by the next question
  const poll = async () => {
    showHeld();
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
      if (answer.ok) replaceLive(new DOMParser().parseFromString(text, "text/html"), false);
      else loses(fill(words.failed, { status: answer.status }));
    } catch {
      loses(words.lost);
    } finally {
      isPolling = false;
    }
  };
  let timer = 0;
  const start = () => {
    for (const item of document.querySelectorAll("#open-help, #tick-all, .untick")) item.hidden = false;
    agedFrom = performance.now();
    localise(document);
    clearInterval(timer);
    const every = Number(page().dataset.pollSeconds);
    if (every) timer = setInterval(poll, every * 1000);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden && page().dataset.pollSeconds) poll(); });
  // Sorting, filtering and paging swap the page in place; the focus stays on the same control, the list begins at its top.
  let focusedId = "";
  document.addEventListener("htmx:before:swap", () => { focusedId = document.activeElement ? document.activeElement.id : ""; waiting = null; });
  document.addEventListener("htmx:after:swap", () => {
    start(); // first what changes text: focus and scrolling lay the page out
    const again = focusedId && document.getElementById(focusedId);
    if (again) again.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  });

  // Ticks and what is done with them.
  const showTicked = () => {
    const count = ticked().length, shown = document.querySelector(".bulk .ticked"), all = document.getElementById("tick-all");
    if (shown) shown.textContent = fill(words.ticked, { count });
    if (all) { all.checked = count > 0 && count === rowsShown().length; all.indeterminate = count > 0 && !all.checked; }
    showHeld();
  };
  const untickAll = () => { for (const box of ticked()) box.checked = false; showTicked(); };
  document.addEventListener("change", (event) => {
    if (event.target.id === "tick-all") for (const row of rowsShown()) row.querySelector("input").checked = event.target.checked;
    if (event.target.closest("#list")) showTicked();
    if (event.target.matches(".filters select")) event.target.form.requestSubmit();
  });
  document.addEventListener("submit", async (event) => {
    if (event.target.id !== "bulk") return;
    event.preventDefault();
    const count = ticked().length, form = event.target;
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form, event.submitter)), headers: { Accept: "text/html" } });
      const fetched = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) { loses(fetched.querySelector("main p")?.textContent || fill(words.failed, { status: answer.status })); return; }
      untickAll(); loses(""); form.reset(); replaceLive(fetched, true); say(fill(words.done, { count }));
    } catch { loses(words.lost); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#show-news")) showNews();
    if (event.target.closest(".untick")) untickAll();
    if (event.target.closest("#open-help")) openHelp();
  });

  // Keys: those people know from other queues. A letter typed into a field stays a letter.
  const help = document.getElementById("help");
  const openHelp = () => { help.showModal(); showHeld(); };
  help.addEventListener("close", showHeld);
  const links = () => [...document.querySelectorAll("tr[data-ticket] .c-ticket a")];
  const move = (step) => {
    const all = links(), row = document.activeElement.closest && document.activeElement.closest("tr[data-ticket]");
    const at = row ? all.findIndex((link) => row.contains(link)) : -1;
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
    if (next) { next.focus({ preventScroll: true }); next.closest("tr").scrollIntoView({ block: "nearest" }); }
  };
  const tick = () => {
    const row = document.activeElement.closest("tr[data-ticket]"), box = row && row.querySelector("input[type=checkbox]");
    if (box) { box.checked = !box.checked; showTicked(); }
  };
  const follow = (id) => { const link = document.getElementById(id); if (link) link.click(); };
  const rooms = { q: "nav-queue", s: "nav-services", c: "nav-capacity", l: "nav-levels", m: "nav-models", 1: "view-all", 2: "view-at_risk", 3: "view-breached", 4: "view-unassigned", 5: "view-paused" };
  const focus = (selector) => { const found = document.querySelector(selector); if (found) { found.focus(); if (found.select) found.select(); } };
  const keys = { j: () => move(1), k: () => move(-1), x: tick, "/": () => focus("input[type=search]"), "?": openHelp, ".": showNews, a: () => ticked().length && focus(".bulk input[name=assignee]"), u: () => follow("back"), Escape: untickAll };
  let goesUntil = 0;
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input:not([type=checkbox]), select, textarea, dialog") !== null;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping) { if (event.key === "Escape" && !event.target.closest("dialog")) event.target.blur(); return; }
    if (performance.now() < goesUntil) { goesUntil = 0; if (rooms[event.key]) { event.preventDefault(); follow(rooms[event.key]); } return; }
    if (event.key === "g") { goesUntil = performance.now() + 1500; return; }
    if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
  });

  // A job's log grows while one watches: the one page with a stream of its own.
  const log = document.querySelector("[data-stream]");
  if (log) {
    const stream = new EventSource(log.dataset.stream);
    let isFirst = true;
    stream.onmessage = (event) => {
      const isAtEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
      log.textContent = `${isFirst ? "" : log.textContent}${event.data}\n`;
      isFirst = false;
      if (isAtEnd) log.scrollTop = log.scrollHeight;
    };
    stream.addEventListener("step", (event) => { document.getElementById("job-step").textContent = JSON.parse(event.data).step || ""; });
    stream.addEventListener("end", () => { stream.close(); location.reload(); });
  }

  document.addEventListener("formdata", (event) => { // what is not set does not clutter the address
    if (!event.target.matches(".filters")) return;
    for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  });
  start();

  // htmx follows the first picture: nobody clicks before there is something to read, and until it is there a link is a link.
  const afterPicture = (work) => { if (document.hidden) work(); else requestAnimationFrame(() => setTimeout(work, 0)); };
  const { htmx } = document.currentScript.dataset;
  afterPicture(() => { const script = document.createElement("script"); script.src = htmx; document.head.append(script); });
})();
