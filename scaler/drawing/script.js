"use strict";
(() => {
  const make = (name, kind, text) => { const e = document.createElement(name); if (kind) e.className = kind; if (text !== undefined) e.textContent = text; return e; };
  const digits = v => v === 0 ? "0" : v.toLocaleString("en", { maximumSignificantDigits: Math.abs(v) >= 1000 ? Math.ceil(Math.log10(Math.abs(v))) : 3 });
  const bytes = v => { let p = 0; while (v >= 1023.5 && p < 5) { v /= 1024; p++; } return digits(v) + " " + ["B", "KiB", "MiB", "GiB", "TiB", "PiB"][p]; };
  const span = s => s < 60 ? digits(s) + " s" : s < 3600 ? digits(s / 60) + " min" : s < 172800 ? digits(s / 3600) + " h" : digits(s / 86400) + " d";
  const shown = (v, unit, currency) =>
    unit === "cores" && v < 0.9995 ? Math.round(v * 1000) + "m" : unit === "bytes" ? bytes(v) : unit === "share" ? digits(v * 100) + " %" :
    unit === "money" ? (currency || "$") + digits(v) : unit === "seconds" ? span(v) : digits(v);
  const when = (x, axis) => {
    if (axis === "date") return new Date(x * 1000).toLocaleString("en-GB", { timeZone: "UTC", weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    if (axis !== "elapsed") return shown(x, axis);
    const d = Math.floor(x / 86400), h = Math.floor(x % 86400 / 3600), m = Math.floor(x % 3600 / 60), two = n => String(n).padStart(2, "0");
    return (d ? d + " d " : "") + two(h) + ":" + two(m);
  };
  // A path as its vertices; null where the pen was lifted.
  const vertices = path => {
    const found = []; let x = 0, y = 0;
    for (const [, letter, rest] of path.getAttribute("d").matchAll(/([Mlhvz])([^Mlhvz]*)/g)) {
      const n = (rest.match(/-?\d*\.?\d+/g) || []).map(Number);
      if (letter === "M") { found.push(null); [x, y] = n; found.push([x, y]); }
      else if (letter === "h") { x += n[0]; found.push([x, y]); }
      else if (letter === "v") { y += n[0]; found.push([x, y]); }
      else for (let i = 0; i < n.length; i += 2) { x += n[i]; y += n[i + 1]; found.push([x, y]); }
    }
    return found;
  };
  // The lowest and the highest that a path has at x.
  const crossed = (points, x) => {
    let low = Infinity, high = -Infinity;
    for (let i = 1; i < points.length; i++) {
      const a = points[i - 1], b = points[i];
      if (!a || !b || Math.min(a[0], b[0]) > x || Math.max(a[0], b[0]) < x) continue;
      const ys = a[0] === b[0] ? [a[1], b[1]] : [a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1])];
      low = Math.min(low, ...ys); high = Math.max(high, ...ys);
    }
    return low <= high ? [low, high] : null;
  };
  for (const chart of document.querySelectorAll(".chart")) {
    const pane = chart.querySelector(".pane"), svg = pane.querySelector("svg"), columns = svg.viewBox.baseVal.width;
    const [from, to, axis] = chart.dataset.x.split(" "), [top, unit, currency] = chart.dataset.y.split(" ");
    const cursor = make("div", "cursor"), readout = make("div", "readout"); let lines = null, place = .5;
    const look = share => {
      place = Math.min(1, Math.max(0, share));
      lines = lines || [...svg.querySelectorAll("path[data-n]")].map(p => [p, vertices(p)]);
      const x = place * columns, out = [make("em", "", when(+from + place * (to - from), axis))];
      for (const [path, points] of lines) {
        const kind = path.classList;
        if (kind.contains("moment")) { if (points.some(p => p && Math.abs(p[0] - x) < columns / 150)) out.push(make("span", kind, path.dataset.n)); continue; }
        const seen = crossed(points, x);
        if (!seen) continue;
        if (kind.contains("span")) { out.push(make("span", kind, path.dataset.n)); continue; }
        const high = shown((1000 - seen[0]) / 1000 * top, unit, currency), low = shown((1000 - seen[1]) / 1000 * top, unit, currency);
        out.push(make("span", kind, path.dataset.n + " " + (low === high || kind.contains("area") ? high : low + " to " + high)));
      }
      readout.replaceChildren(...out);
      pane.append(cursor, readout);
      cursor.style.left = place * 100 + "%";
      const side = place < .5 ? ["left", place] : ["right", 1 - place];
      readout.style.left = readout.style.right = ""; readout.style[side[0]] = `calc(${side[1] * 100}% + .6rem)`;
    };
    const leave = () => { cursor.remove(); readout.remove(); };
    const point = e => { const box = pane.getBoundingClientRect(); look((e.clientX - box.left) / box.width); };
    pane.addEventListener("pointermove", point); pane.addEventListener("pointerdown", point);
    pane.addEventListener("pointerleave", leave); chart.addEventListener("blur", leave);
    chart.addEventListener("keydown", e => { const d = { ArrowLeft: -1, ArrowRight: 1 }[e.key]; if (d) { e.preventDefault(); look(place + d / 100); } if (e.key === "Escape") leave(); });
  }
  for (const box of document.querySelectorAll(".table")) {
    const body = box.querySelector("tbody"), heads = [...box.querySelectorAll("th")], field = box.querySelector("input");
    const key = (row, i) => { const c = row.cells[i]; return c.dataset.v !== undefined ? c.dataset.v : c.textContent; };
    heads.forEach((head, i) => head.addEventListener("click", () => {
      const number = head.classList.contains("n"), down = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : number;
      heads.forEach(h => h.removeAttribute("aria-sort")); head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const compare = (a, b) => number ? (parseFloat(key(a, i)) || 0) - (parseFloat(key(b, i)) || 0) : key(a, i).localeCompare(key(b, i));
      body.append(...[...body.rows].sort((a, b) => down ? compare(b, a) : compare(a, b)));
    }));
    if (field) field.addEventListener("input", () => { const word = field.value.trim().toLowerCase(); for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(word); });
  }
  for (const button of document.querySelectorAll(".code button")) button.addEventListener("click", async () => {
    const text = button.closest(".code").querySelector("code");
    try { await navigator.clipboard.writeText(text.textContent); button.textContent = "copied"; }
    catch { getSelection().selectAllChildren(text); button.textContent = "selected"; }
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
  const unfold = () => { const there = document.getElementById(decodeURIComponent(location.hash.slice(1))); if (there) { for (let e = there; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true; there.scrollIntoView(); } };
  addEventListener("hashchange", unfold); if (location.hash) unfold();
})();
