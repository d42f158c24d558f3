// What a reader would see of this page, and what is wrong with it; run by pages.py in the browser.
(async () => {
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done));
  if (document.querySelector(".tex"))
    await new Promise((done) => { const wait = () => window.MathJax && MathJax.Hub && MathJax.isReady ? MathJax.Hub.Queue(done) : setTimeout(wait, 20); wait(); });
  await document.fonts.ready;
  const found = [];
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 70);
  for (const m of document.querySelectorAll(".tex")) {
    const drawn = m.querySelector(".MathJax");
    if (!drawn) found.push("a formula is not typeset: " + short(m.textContent));
    else if (!m.closest("details:not([open])") && !drawn.getBoundingClientRect().width) found.push("a formula has no width: " + short(m.textContent));
  }
  for (const m of document.querySelectorAll(".MathJax_Error, .merror, .noError")) found.push("a formula has an error: " + short(m.textContent));
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const at = walk.currentNode.parentElement, text = walk.currentNode.nodeValue;
    if (at.closest("pre, code, script, style, .tex, svg")) continue;
    if (/\$\$|\\\(|\\\[|^:::|\\(?:frac|sum|mathrm|lambda|Delta)\b/.test(text)) found.push("raw markup in the text: " + short(text));
  }
  for (const i of document.images) {
    if (!i.complete || !i.naturalWidth) { try { await i.decode(); } catch { found.push("a picture is not there: " + short(i.src)); } }
    if (!i.alt.trim()) found.push("a picture without alt text: " + short(i.src));
  }
  for (const s of document.querySelectorAll("main svg"))
    if (!s.closest(".tex") && !s.getAttribute("aria-label") && s.getAttribute("aria-hidden") !== "true" && !s.querySelector("title")) found.push("a drawing without words");
  let level = 0;
  for (const h of document.querySelectorAll("main h1, main h2, main h3, main h4, main h5, main h6")) {
    const now = +h.tagName[1];
    if (now > level + 1) found.push(`the heading '${short(h.textContent)}' skips a level`);
    level = now;
  }
  if (document.querySelectorAll("main h1").length !== 1) found.push("not exactly one first heading");
  const wide = document.scrollingElement.scrollWidth - innerWidth;
  if (wide > 1) found.push(`wider than the window by ${wide} pixels`);
  const cut = [...document.querySelectorAll(".code pre")].filter((p) => p.offsetParent && p.scrollWidth > p.parentElement.clientWidth + 2).length;
  return { found, formulas: document.querySelectorAll(".tex").length, pictures: document.querySelectorAll("main img").length, cut, height: document.scrollingElement.scrollHeight };
})()
