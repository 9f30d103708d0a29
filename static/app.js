// The few lines that HTML and htmx do not do by themselves. Everything works without them.
"use strict";

document.documentElement.classList.add("script");

// The server writes times in the reader's own zone; this is how it learns which.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; SameSite=Lax`;

// Menus close on Escape and on a click beside them, as menus do.
const menus = "details.menu[open], details.filter[open]";
document.addEventListener("click", (event) => {
  if (!event.detail) return; // no pointer: Enter in a field of a menu "clicks" its form's button
  for (const menu of document.querySelectorAll(menus)) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(menus)) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// A link that a swap removed takes the focus with it: give it to what came instead.
document.addEventListener("htmx:before:swap", (event) => {
  const source = event.detail.ctx?.sourceElement;
  if (source?.closest("li.older")) rowBefore = source.closest("li.older").previousElementSibling;
  else if (source?.closest("#results") && !source.closest(".row")) focusResults = true;
});
document.addEventListener("htmx:after:swap", () => {
  if (rowBefore) {
    let next = rowBefore.nextElementSibling;
    while (next && !next.matches(".row")) next = next.nextElementSibling;
    next?.querySelector("summary").focus({ preventScroll: true });
  } else if (focusResults) {
    document.getElementById("results")?.focus({ preventScroll: true });
  }
  rowBefore = null;
  focusResults = false;
});
let rowBefore = null;
let focusResults = false;

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
