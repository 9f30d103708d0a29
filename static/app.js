// The few lines that HTML and htmx do not do by themselves. Everything works without them.
"use strict";

document.documentElement.classList.add("script");

// The server writes times in the reader's own zone; this is how it learns which.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; SameSite=Lax`;

// Menus are popovers; the platform does not shut them when the focus moves on from inside.
document.addEventListener("focusin", ({ target, relatedTarget }) => {
  for (const panel of document.querySelectorAll("[popover]:popover-open")) {
    if (panel.contains(relatedTarget) && !panel.contains(target) && !target.contains(panel)) panel.hidePopover();
  }
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// What a swap removes takes the focus with it: give it to what came instead.
document.addEventListener("htmx:before:swap", (event) => {
  const { sourceElement: source, target } = event.detail.ctx ?? {};
  if (source?.closest("li.older")) rowBefore = source.closest("li.older").previousElementSibling;
  // What comes by itself, as the counts do, must not take the focus from where somebody is.
  else if (target?.id === "results" && target.contains(document.activeElement)) focused = document.activeElement;
});
document.addEventListener("htmx:after:swap", () => {
  const results = document.getElementById("results");
  if (rowBefore) {
    let next = rowBefore.nextElementSibling;
    while (next && !next.matches(".row")) next = next.nextElementSibling;
    next?.querySelector("summary").focus({ preventScroll: true });
  } else if (focused && !focused.isConnected) {
    // Somebody who was at a row, and quicker than the answer, is at a row again.
    const row = focused.closest(".row");
    const same = row && (document.getElementById(row.id) ?? results.querySelector(".row"));
    (same?.querySelector("summary") ?? results).focus({ preventScroll: true });
  }
  rowBefore = null;
  focused = null;
});
let rowBefore = null;
let focused = null;

// A request that never got an answer: say so where the answer would be.
document.addEventListener("htmx:error", (event) => {
  const target = event.detail.ctx?.target;
  if (!(target instanceof Element) || event.detail.ctx?.response) return;
  const message = document.createElement("p");
  message.className = "message wrong no-answer";
  message.setAttribute("role", "alert");
  message.textContent = "No answer from the server. Check the connection and reload the page.";
  target.querySelector(":scope > .no-answer")?.remove();
  target.prepend(message);
});

// New events are announced where nothing moves, until somebody wants to see them. A hidden tab does not ask.
const EVERY_MS = 15_000;
const AT_MOST_MS = 600_000;
let newsDelay = EVERY_MS;
let newsTimer = 0;
let newsAsked = false;

async function askForNews() {
  const region = document.querySelector("[data-live]");
  if (newsAsked) return;
  newsAsked = true;
  clearTimeout(newsTimer);
  let goesOn = true;
  try {
    if (region) goesOn = await tellNews(region);
    newsDelay = EVERY_MS;
  } catch {
    newsDelay = Math.min(newsDelay * 2, AT_MOST_MS);
  }
  newsAsked = false;
  if (goesOn && !document.hidden) newsTimer = setTimeout(askForNews, newsDelay);
}

async function tellNews(region) {
  const answer = await fetch(region.dataset.live, { headers: { "HX-Request-Type": "partial" } });
  if ([401, 403, 404].includes(answer.status)) return false; // signed out, or no longer allowed
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const told = await answer.text();
  if (answer.status === 204) {
    // What was looked at need not be looked at again.
    const next = new URL(region.dataset.live, location.href);
    next.searchParams.set("seen", answer.headers.get("Auditapp-Seen"));
    region.dataset.live = next.href;
  }
  // The same is not said twice, and nobody loses the focus.
  if (region.told === told || region.contains(document.activeElement)) return true;
  region.told = told;
  region.innerHTML = told;
  window.htmx.process(region);
  return true;
}

newsTimer = setTimeout(askForNews, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(newsTimer);
  else askForNews();
});

// Other filters leave a saved view: its head offers to keep them, or to go back.
document.addEventListener("htmx:after:history:push", (event) => {
  const head = document.querySelector(".view-head");
  if (!head) return;
  const [path, query] = event.detail.path.split("?");
  const isLeft = path !== head.dataset.view;
  head.classList.toggle("left", isLeft);
  head.querySelector(".view-left").hidden = !isLeft;
  const update = head.querySelector("[data-update]");
  if (update) update.href = `${update.href.split("?")[0]}?${query ?? ""}`;
  if (isLeft) document.querySelector("#views [aria-current]")?.removeAttribute("aria-current");
});

// Of many views, the one that is open is in sight.
const showTab = () => {
  const [strip, tab] = ["#views ul", "#views [aria-current]"].map((each) => document.querySelector(each));
  if (!tab) return;
  const [outer, inner] = [strip, tab].map((each) => each.getBoundingClientRect());
  strip.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
};
// With the next picture, which is laid out anyway: asking at once would lay the page out twice.
const showTabSoon = () => requestAnimationFrame(showTab);
showTabSoon();
document.addEventListener("htmx:after:swap", showTabSoon);

// Links that are copied rather than followed; who has no clipboard follows them and copies the address.
function tellActions(words) {
  const status = document.querySelector(".copied");
  if (!status) return;
  status.textContent = "";
  setTimeout(() => { status.textContent = words; }, 50); // so that saying it twice is heard twice
  clearTimeout(tellActions.timer);
  tellActions.timer = setTimeout(() => { status.textContent = ""; }, 4000);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    tellActions("Copied");
  } catch {
    // Without HTTPS a page has no clipboard.
    window.prompt("Copy this link:", text);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-copy]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  copyText(link.href);
});

// A text that is copied out of its field; who has no clipboard finds it selected.
document.addEventListener("click", async (event) => {
  const source = document.getElementById(event.target.closest("[data-copy-from]")?.dataset.copyFrom);
  if (!source) return;
  source.select();
  try {
    await navigator.clipboard.writeText(source.value);
    tellActions("Copied");
  } catch {
    tellActions("Selected; copy it with the keyboard");
  }
});

// Paper shows what is on the page by then, older rows that were added included.
window.addEventListener("beforeprint", () => {
  const times = [...document.querySelectorAll("#results .row > details > summary time[data-paper]")];
  const put = (name, text) => {
    const place = document.querySelector(`[data-paper-${name}]`);
    if (place) place.textContent = text;
  };
  put("count", times.length);
  if (times.length) put("oldest", times.at(-1).dataset.paper);
  if (!document.querySelector("#results li.older")) put("older", "");
});
