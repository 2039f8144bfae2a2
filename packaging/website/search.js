// Full-text search in the page: every word must occur, titles count most, rare words more than frequent ones.
"use strict";
(() => {
  const line = document.getElementById("sought"), list = document.getElementById("found");
  const contents = document.getElementById("contents");
  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const escaped = (text) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  const sections = SECTIONS.map(([place, title, page, text]) => ({
    place, title, page, text, folded: [fold(title), fold(page), fold(text)],
  }));
  const WEIGHTS = [8, 3, 1], MOST = 30, AROUND = 70;

  function beginnings(text, word) {
    let count = 0;
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) count += 1;
    }
    return count;
  }

  function find(words) {
    const hits = words.map((word) => sections.map((section) => {
      let sum = 0;
      section.folded.forEach((text, field) => {
        const count = beginnings(text, word);
        sum += WEIGHTS[field] * count / (count + 1 + text.length / 1500);
      });
      return sum;
    }));
    const rarity = hits.map((scores) => Math.log(1 + sections.length / (1 + scores.filter((s) => s > 0).length)));
    return sections
      .map((section, i) => [hits.every((s) => s[i] > 0) ? hits.reduce((sum, s, w) => sum + s[i] * rarity[w], 0) : 0, section])
      .filter(([score]) => score > 0).sort((a, b) => b[0] - a[0]).slice(0, MOST).map(([, section]) => section);
  }

  function excerpt(section, words) {
    const at = Math.max(0, Math.min(...words.map((word) => section.folded[2].indexOf(word)).filter((p) => p >= 0)));
    const from = Number.isFinite(at) ? Math.max(0, section.text.lastIndexOf(" ", Math.max(0, at - AROUND)) + 1) : 0;
    const piece = section.text.slice(from, from + 2 * AROUND + 60);
    const cut = piece.length + from < section.text.length ? piece.slice(0, piece.lastIndexOf(" ")) + "…" : piece;
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(${words.map((w) => w.replace(/[.*+?^$${}()|[\]\\]/g, "\\$&")).join("|")})`, "giu");
    return (from ? "…" : "") + escaped(cut).replace(pattern, "<mark>$1</mark>");
  }

  function show() {
    const words = fold(line.value).split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    contents.hidden = words.length > 0;
    list.hidden = !words.length;
    if (!words.length) return;
    const found = find(words);
    list.innerHTML = found.map((section) =>
      `<li><a href="${section.place}">${escaped(section.title)}</a>` +
      (section.page === section.title ? "" : `<span>${escaped(section.page)}</span><br>`) + excerpt(section, words) + "</li>"
    ).join("") || "<li>Nothing is found. Try other or fewer words.</li>";
  }

  line.addEventListener("input", show);
  line.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("a")?.click();
    if (event.key === "Escape") { line.value = ""; show(); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== line) { event.preventDefault(); line.focus(); }
  });
  line.value = new URLSearchParams(location.search).get("q") ?? "";
  show();
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "center" });
})();
