// Single keys on the timeline. All that they do can be done without them; who wants none turns them off.
"use strict";

const shortcuts = {
  j: () => step(1),
  k: () => step(-1),
  x: openPayload,
  h: openHistory,
  c: copyLink,
  "/": () => document.querySelector("#filters input[name='q']"),
  f: () => document.querySelector("#filters .opener"),
  "?": openList,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape" && event.target.matches("input[type='search']")) {
    event.preventDefault(); // or what was typed would be gone, and asked for without it
    event.target.blur();
  }
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const shortcut = Object.hasOwn(shortcuts, event.key) && shortcuts[event.key];
  if (!shortcut) return;
  event.preventDefault(); // or "/" would be typed into the search box that it leads to
  shortcut()?.focus();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-keys]")) openList();
});

function isTyping(element) {
  if (!(element instanceof HTMLElement)) return false;
  if (element.matches("input[type='checkbox'], input[type='radio'], input[type='submit']")) return false;
  return element.isContentEditable || element.matches("input, textarea, select");
}

// What j and k stop at: the rows that can be seen, and the link to older ones behind them.
function stops() {
  const found = document.querySelectorAll("#results .row > details:not(.story) > summary, #results li.older a");
  return [...found].filter((stop) => stop.checkVisibility());
}

function currentRow() {
  return document.activeElement?.closest("#results .row");
}

function step(by) {
  const all = stops();
  const here = document.activeElement;
  const summary = currentRow()?.querySelector(":scope > details > summary");
  let next = all.indexOf(summary ?? here) + by;
  // From inside an opened row, k goes to its own line first.
  if (summary && summary !== here && by < 0) next = all.indexOf(summary);
  const stop = all[Math.max(0, Math.min(next, all.length - 1))];
  stop?.scrollIntoView({ block: "nearest" });
  return stop;
}

// An opened row fetches its inside by itself; the payload is there once that has come.
function openPayload() {
  const details = currentRow()?.querySelector(":scope > details");
  if (!details) return tell("Go to a row first, with j");
  const payload = details.querySelector(".payload");
  if (payload && details.open) {
    payload.open = !payload.open;
    return payload.open ? payload.querySelector("summary") : details.querySelector("summary");
  }
  const wasOpen = details.open;
  details.open = true;
  if (payload) return showPayload(details);
  if (wasOpen && !details.querySelector(".htmx-request")) return tell("No payload was recorded");
  details.addEventListener("htmx:after:swap", () => showPayload(details)?.focus(), { once: true });
}

function showPayload(details) {
  const payload = details.querySelector(".payload");
  if (!payload) return tell("No payload was recorded");
  payload.open = true;
  return payload.querySelector("summary");
}

function openHistory() {
  const url = currentRow()?.dataset.history;
  if (!url) return tell("Go to a row first, with j");
  location.assign(url);
}

function copyLink() {
  const own = currentRow()?.querySelector(".detail[hx-get]")?.getAttribute("hx-get");
  window.copyText(new URL(own ?? document.querySelector("a[data-copy]")?.href ?? location.href, location.href).href);
}

function openList() {
  const list = document.querySelector("dialog.keys");
  if (list && !list.open) list.showModal(); // closing it gives the focus back by itself
}

function tell(words) {
  window.tellActions(words);
}
