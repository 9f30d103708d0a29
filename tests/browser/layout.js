// What no eye should have to find on a page; layout.py runs it there and gets sentences back.
// Geometry is that of texts and controls, clipped by what scrolls or hides them. Text has its font's height, which may
// exceed its line's: lines that touch are no fault, so a part of a line must be covered.
() => {
  const found = [], main = document.querySelector("main");
  const short = one => `"${(one.innerText || one.textContent || one.name || "").trim().slice(0, 40)}"`;
  const isSeen = one => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    && !one.closest(".visually-hidden, .skip, svg, [hidden], .live");
  const clipped = (box, one) => {
    let { left, right, top, bottom } = box;
    for (let up = one; up && up !== document.body; up = up.parentElement) {
      const style = getComputedStyle(up);
      if (style.overflowX === "visible" && style.overflowY === "visible") continue;
      const frame = up.getBoundingClientRect();
      left = Math.max(left, frame.left); right = Math.min(right, frame.right);
      top = Math.max(top, frame.top); bottom = Math.min(bottom, frame.bottom);
    }
    return { left, right, top, bottom, width: right - left, height: bottom - top };
  };
  const overlap = (a, b) => ({
    across: Math.min(a.right, b.right) - Math.max(a.left, b.left),
    down: Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top),
  });

  // A heading stands over what it is the heading of; in a <header> it may have company.
  for (const heading of main.querySelectorAll("h1, h2, h3")) {
    if (!isSeen(heading) || heading.closest("header")) continue;
    const box = heading.getBoundingClientRect();
    for (let next = heading.nextElementSibling; next; next = next.nextElementSibling) {
      const body = [next, ...next.querySelectorAll("*")].find(one =>
        one.matches("form, table, p, ul, ol, dl, figure, fieldset") && isSeen(one) && one.getClientRects().length);
      const other = body?.getBoundingClientRect();
      if (other?.width && overlap(box, other).down > 4 && other.left > box.right - 4)
        found.push(`heading ${short(heading)} stands beside <${body.localName}>`);
    }
  }

  // What a page is made of stands one below the other.
  const flow = [...main.children].filter(one => isSeen(one) && one.getBoundingClientRect().height
    && !["absolute", "fixed", "sticky"].includes(getComputedStyle(one).position));
  flow.slice(1).forEach((one, place) => {
    const before = flow[place];
    if (overlap(before.getBoundingClientRect(), one.getBoundingClientRect()).down > 4)
      found.push(`<${one.localName}> ${short(one)} stands beside <${before.localName}> ${short(before)}`);
  });

  // WCAG 2.2, 2.5.8: 24 by 24 pixels, the label included; links in a text are excepted.
  for (const control of document.querySelectorAll("input:not([type=hidden]), button, select, textarea, summary")) {
    if (!isSeen(control)) continue;
    const own = control.getBoundingClientRect();
    if (control.matches("[type=checkbox], [type=radio]") && Math.min(own.width, own.height) < 14.5)
      found.push(`control ${control.name} is ${Math.round(own.width)}x${Math.round(own.height)}`);
    if (control.matches("summary") && getComputedStyle(control).display.startsWith("inline") && control.closest(".words")) continue;
    const targets = [own, ...[...(control.labels ?? [])].map(label => label.getBoundingClientRect())];
    const width = Math.max(...targets.map(box => box.width)), height = Math.max(...targets.map(box => box.height));
    if (Math.min(width, height) < 23.9)
      found.push(`${control.localName} ${short(control)} leaves ${width.toFixed(1)}x${height.toFixed(1)} to hit`);
  }

  // What is read or pressed lies over nothing else of that kind.
  const pieces = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, parent = text.parentElement;
    if (!text.data.trim() || !isSeen(parent) || parent.closest("option, script, datalist, textarea")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    for (const box of range.getClientRects()) pieces.push({ of: parent, is: text, box: clipped(box, parent) });
  }
  for (const control of document.querySelectorAll("input, button, select, textarea"))
    if (isSeen(control)) pieces.push({ of: control, is: control, box: clipped(control.getBoundingClientRect(), control.parentElement) });
  const whole = pieces.filter(({ box }) => box.width > 1 && box.height > 1).sort((a, b) => a.box.top - b.box.top);
  whole.forEach((one, place) => {
    for (const other of whole.slice(place + 1)) {
      if (other.box.top >= one.box.bottom) break;
      if (one.is === other.is || one.of.contains(other.of) || other.of.contains(one.of)) continue;
      const { across, down } = overlap(one.box, other.box);
      if (across > 3 && down > 0.45 * Math.min(one.box.height, other.box.height))
        found.push(`${short(one.of)} lies over ${short(other.of)}`);
    }
  });

  for (const block of main.querySelectorAll("p, h1, h2, label, th")) {
    const box = block.getBoundingClientRect();
    if (isSeen(block) && block.innerText.includes(" ") && box.width < 90 && box.height > 8 * parseFloat(getComputedStyle(block).fontSize))
      found.push(`${short(block)} is squeezed`);
  }
  return [...new Set(found)].slice(0, 12);
}
