// Searches window.searchIndex: rows of [page, section, address, words, part]. Every word of the question must be found.
"use strict";
(() => {
  const box = document.getElementById("search");
  const list = document.getElementById("results");
  const fold = (text) => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  const rows = (window.searchIndex || []).map(([page, section, url, words, part]) => ({
    page, section, url, words, part, title: fold(page + " " + section), head: fold(section || page), text: fold(words),
  }));

  // the book comes first; a word counts most in a heading, then in a title, then in the text; a whole word more than a part of one
  function score(row, word) {
    const whole = (text) => new RegExp("(^|[^\\p{L}\\p{N}_])" + word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "($|[^\\p{L}\\p{N}_])", "u").test(text);
    if (row.head.includes(word)) return row.head === word ? 40 : whole(row.head) ? 30 : 15;
    if (row.title.includes(word)) return whole(row.title) ? 12 : 6;
    if (row.text.includes(word)) return whole(row.text) ? 3 : 1;
    return 0;
  }

  function find(question) {
    const words = fold(question).split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    return rows
      .map((row) => [words.map((w) => score(row, w)), row])
      .filter(([scores]) => scores.every((s) => s > 0))
      .map(([scores, row]) => [scores.reduce((a, b) => a + b) + (row.part === "The book" ? 15 : 0), row])
      .sort((a, b) => b[0] - a[0])
      .slice(0, 12)
      .map(([, row]) => row);
  }

  function excerpt(row, word) {
    const at = Math.max(0, row.text.indexOf(word));
    const start = Math.max(0, at - 50);
    const small = document.createElement("small");
    const text = row.words.slice(start, start + 150);
    const found = fold(text).length === text.length ? fold(text).indexOf(word) : -1;
    if (found < 0) small.textContent = text;
    else {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(found, found + word.length);
      small.append(text.slice(0, found), mark, text.slice(found + word.length));
    }
    return small;
  }

  function show() {
    const question = box.value.trim();
    list.replaceChildren();
    list.hidden = !question;
    const found = find(question);
    for (const row of found) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = window.siteRoot + row.url;
      link.append((row.section ? row.section + " · " : "") + row.page, excerpt(row, fold(question).split(/\s+/)[0]));
      item.append(link);
      list.append(item);
    }
    if (question && !found.length) {
      const item = document.createElement("li");
      item.className = "none";
      item.textContent = "nothing found";
      list.append(item);
    }
  }

  box.addEventListener("input", show);
  document.addEventListener("keydown", (event) => {
    const typing = /INPUT|TEXTAREA|SELECT/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); box.focus(); }
    if (event.key === "Escape") { list.hidden = true; box.blur(); }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const links = [...list.querySelectorAll("a")];
      const at = links.indexOf(document.activeElement);
      if (list.hidden || !links.length || (at < 0 && document.activeElement !== box)) return;
      event.preventDefault();
      (links[at + (event.key === "ArrowDown" ? 1 : -1)] || box).focus();
    }
    if (event.key === "Enter" && document.activeElement === box) list.querySelector("a")?.click();
  });
  document.addEventListener("click", (event) => { if (!event.target.closest("form")) list.hidden = true; });
  list.addEventListener("click", (event) => { if (event.target.closest("a")) list.hidden = true; });
  if (matchMedia("(max-width: 60rem)").matches) document.querySelector("nav.all .menu").open = false;
  document.querySelector("nav.all [aria-current]")?.scrollIntoView({ block: "nearest" });
})();
