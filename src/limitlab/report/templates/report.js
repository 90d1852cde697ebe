"use strict";
(function () {
  const root = document.documentElement;
  const LIGHT = { ink: "#1b2430", muted: "#66707f", grid: "#e4e8ee", surface: "#ffffff" };
  const DARK = { ink: "#e5e9ef", muted: "#9aa5b4", grid: "#29313b", surface: "#171c23" };
  const systemDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const book = JSON.parse((document.getElementById("said") || { textContent: "{}" }).textContent);
  const said = (text, values) => Object.entries(values || {}).reduce((t, [k, v]) => t.replace(`{${k}}`, v), book[text] || text);
  let printing = false;
  const theme = () => (isDark() && !printing ? DARK : LIGHT);
  const NARROW = 640;
  const PAPER = 680;

  // ---- plots -------------------------------------------------------------------------------------------------------
  const plots = [];

  // A colour a third of the way to white: small text on a dark page.
  function lifted(hex) {
    return "#" + [1, 3, 5].map((i) => Math.round(parseInt(hex.slice(i, i + 2), 16) * 0.66 + 255 * 0.34).toString(16).padStart(2, "0")).join("");
  }

  function recoloured(notes, colours) {
    return (notes || []).map((n) => {
      const colour = n.font.color === LIGHT.muted ? colours.muted : colours === DARK ? lifted(n.font.color) : n.font.color;
      return { ...n, arrowcolor: colour, font: { ...n.font, color: colour } };
    });
  }

  function colouring(plot) {
    const c = theme();
    const change = {
      "font.color": c.ink, "hoverlabel.bgcolor": c.surface, "hoverlabel.bordercolor": c.grid, "hoverlabel.font.color": c.ink,
      "modebar.color": c.muted, "modebar.activecolor": c.ink, "modebar.bgcolor": "rgba(0,0,0,0)",
    };
    for (const axis of ["xaxis", "yaxis"]) {
      Object.assign(change, {
        [axis + ".gridcolor"]: c.grid, [axis + ".linecolor"]: c.grid, [axis + ".tickcolor"]: c.grid, [axis + ".tickfont.color"]: c.muted,
        [axis + ".title.font.color"]: c.muted, [axis + ".title.font.size"]: 13,
      });
    }
    return Object.assign(change, view(plot));
  }

  // What depends on the chosen measure, the closer view, and the width of the page.
  function view(plot) {
    const change = plot.buttons.length ? { ...plot.buttons[plot.active].args[1] } : {};
    const measure = plot.measures[plot.active];
    const width = printing ? PAPER : plot.canvas.clientWidth;
    const narrow = width < NARROW;
    const fit = plot.close && plot.fit[measure];
    if (plot.wide.labels) {
      const notes = fit ? fit.annotations : change.annotations || plot.notes;
      change["yaxis.range"] = fit ? fit.range : plot.wide.range;
      change.annotations = narrow ? [] : recoloured(notes, theme());
      change["margin.r"] = narrow ? 10 : plot.wide.right;
      change["margin.l"] = narrow ? 48 : plot.wide.left;
      change.height = narrow ? 380 : plot.wide.height;
      change["yaxis.title.text"] = narrow ? "" : change["yaxis.title.text"] || plot.wide.title;
      const ticks = width < 800 ? plot.narrowTicks : plot.wide.ticks;
      change["xaxis.tickvals"] = ticks;
      change["xaxis.ticktext"] = ticks.map(String);
    } else {
      if (plot.bars) {
        change["xaxis.dtick"] = narrow ? 50 : 20;
        change["yaxis.tickfont.size"] = narrow ? 11 : 13;
      }
      const notes = change.annotations || plot.notes;
      if (notes.length) change.annotations = narrow ? [] : recoloured(notes, theme());
      Object.assign(change, narrow ? plot.narrow : plot.broad);
    }
    return change;
  }

  function visible(plot) {
    const shown = plot.buttons.length ? plot.buttons[plot.active].args[0].visible : plot.data.map((t) => t.visible !== false);
    return plot.data.map((t, i) => shown[i] && !plot.hidden.has(t.legendgroup));
  }

  function redraw(plot) {
    const shown = plot.buttons.length ? plot.buttons[plot.active].args[0].visible : plot.data.map(() => true);
    const there = new Set(plot.data.filter((t, i) => shown[i]).map((t) => t.legendgroup));
    for (const [group, button] of plot.entries) button.hidden = !there.has(group);
    window.Plotly.update(plot.canvas, { visible: visible(plot) }, colouring(plot));
  }

  function choice(host, labels, active, name, pick) {
    const group = document.createElement("div");
    group.className = "choice";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", name);
    labels.forEach((label, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label;
      button.setAttribute("aria-pressed", String(i === active));
      button.addEventListener("click", () => {
        [...group.children].forEach((b, j) => b.setAttribute("aria-pressed", String(i === j)));
        pick(i);
      });
      group.append(button);
    });
    host.append(group);
    host.hidden = false;
    return group;
  }

  const SHAPES = {
    circle: "M12 2.6a3.4 3.4 0 1 0 .01 0z", square: "M9 3h6v6H9z", diamond: "M12 1.8 16.2 6 12 10.2 7.8 6z", "triangle-up": "M12 2 16 9H8z",
    "triangle-right": "M8.5 2 16 6 8.5 10z", "triangle-left": "M15.5 2 8 6 15.5 10z",
    cross: "M10.8 2h2.4v2.8H16v2.4h-2.8V10h-2.4V7.2H8V4.8h2.8z", x: "M8 3.2 9.2 2 12 4.8 14.8 2 16 3.2 13.2 6 16 8.8 14.8 10 12 7.2 9.2 10 8 8.8 10.8 6z", star: "m12 1.6 1.2 3 3.2.2-2.5 2 .9 3.2L12 8.3 9.2 10l.9-3.2-2.5-2 3.2-.2z",
  };

  function swatch(trace) {
    const bar = trace.type === "bar" || trace.fill === "toself";
    const colour = trace.fillcolor || (trace.line && trace.line.color) || trace.marker.color;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("width", bar ? 12 : 24);
    svg.setAttribute("height", 12);
    svg.setAttribute("aria-hidden", "true");
    const add = (tag, given) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      Object.entries(given).forEach(([k, v]) => node.setAttribute(k, v));
      svg.append(node);
    };
    if (bar) {
      add("rect", { width: 12, height: 12, rx: 2.5, fill: colour });
      return svg;
    }
    if (trace.mode !== "markers") {
      const dash = { dash: "5 3.5", dot: "2 3" }[trace.line.dash] || "none";
      add("line", { x1: 0, x2: 24, y1: 6, y2: 6, stroke: colour, "stroke-width": Math.max(trace.line.width, 1.5), "stroke-dasharray": dash });
    }
    if (trace.mode !== "lines" && trace.marker.size > 4) {
      const symbol = (trace.marker.symbol || "circle").replace("-open", "");
      const open = (trace.marker.symbol || "").endsWith("-open");
      add("path", { d: SHAPES[symbol] || SHAPES.circle, fill: open ? "none" : colour, stroke: colour, "stroke-width": open ? 1.3 : 0 });
    }
    return svg;
  }

  function decoded(text) {
    const area = document.createElement("textarea");
    area.innerHTML = text; // a textarea holds text only: entities are read, tags are not
    return area.value;
  }

  function legend(plot, host) {
    const seen = new Set();
    const last = (t) => Number(!plot.ordered && t.legendgroup.startsWith("published"));
    for (const trace of plot.data.filter((t) => t.legendgroup).sort((a, b) => last(a) - last(b))) {
      if (!trace.showlegend || seen.has(trace.legendgroup)) continue;
      seen.add(trace.legendgroup);
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.title = said("Show or hide");
      const words = document.createElement("span");
      words.textContent = decoded(trace.name);
      button.append(swatch(trace), words);
      plot.entries.set(trace.legendgroup, button);
      button.addEventListener("click", () => {
        const hide = !plot.hidden.has(trace.legendgroup);
        plot.hidden[hide ? "add" : "delete"](trace.legendgroup);
        button.setAttribute("aria-pressed", String(!hide));
        redraw(plot);
      });
      host.append(button);
    }
    host.hidden = seen.size === 0;
  }

  function draw(figure) {
    const canvas = figure.querySelector(".canvas");
    const given = JSON.parse(figure.querySelector(".plot-data").textContent);
    const layout = given.layout;
    const menu = (layout.updatemenus || [])[0];
    const meta = layout.meta || {};
    const plot = {
      canvas, data: given.data, hidden: new Set(), entries: new Map(), close: false, ordered: Boolean(meta.ordered), narrow: meta.narrow || {}, broad: meta.broad || {}, fit: meta.fit || {}, measures: meta.measures || [], narrowTicks: meta.narrow_ticks || [],
      buttons: menu ? menu.buttons : [], active: menu ? menu.active || 0 : 0, notes: layout.annotations || [],
      bars: given.data[0].orientation === "h",
      wide: { labels: Boolean(meta.measures), height: layout.height, right: layout.margin.r, left: layout.margin.l, range: layout.yaxis.range,
        ticks: layout.xaxis.tickvals || [], title: ((layout.yaxis || {}).title || {}).text || "" },
    };
    delete layout.updatemenus;
    layout.showlegend = false;
    layout.autosize = true;
    layout.annotations = [];
    const host = figure.querySelector(".controls");
    let range = null;
    const refit = () => {
      if (range) range.children[1].disabled = !plot.fit[plot.measures[plot.active]];
    };
    if (plot.buttons.length > 1) {
      choice(host, plot.buttons.map((b) => b.label), plot.active, meta.choice || said("Measure"), (i) => { plot.active = i; refit(); redraw(plot); });
    }
    if (Object.keys(plot.fit).length) {
      range = choice(host, [said("0–100 %"), said("Closer")], 0, said("Vertical range"), (i) => { plot.close = i === 1; redraw(plot); });
      refit();
    }
    legend(plot, figure.querySelector(".legend"));
    plots.push(plot);
    const config = { responsive: true, displaylogo: false, displayModeBar: "hover", modeBarButtons: [["toImage"]], toImageButtonOptions: { format: "svg" } };
    return window.Plotly.newPlot(canvas, given.data, layout, config).then(() => redraw(plot));
  }

  Promise.all([...document.querySelectorAll("figure.plot")].map(draw)).then(() => { root.dataset.drawn = String(plots.length); });

  let timer = 0;
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width || printing) return;
    width = window.innerWidth;
    clearTimeout(timer);
    timer = setTimeout(() => plots.forEach(redraw), 180);
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    plots.forEach((p) => window.Plotly.update(p.canvas, { visible: visible(p) }, { ...colouring(p), width: PAPER }));
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    plots.forEach((p) => { window.Plotly.relayout(p.canvas, { width: null, autosize: true }); redraw(p); });
  });

  // ---- theme -------------------------------------------------------------------------------------------------------
  const toggle = document.getElementById("theme");
  const show = () => { toggle.setAttribute("aria-pressed", String(isDark())); plots.forEach(redraw); };
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("limitlab-theme", root.dataset.theme); } catch (refused) { /* not remembered, that is all */ }
    show();
  });
  systemDark.addEventListener("change", show);
  toggle.setAttribute("aria-pressed", String(isDark()));

  // ---- table: sort and filter ----------------------------------------------------------------------------------------
  const table = document.getElementById("full");
  if (!table) return; // a page whose tables are short enough to read as they are
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const HEAD = Number(table.dataset.head); // columns before the numbers
  const rows = [...body.rows].filter((r) => r.dataset.row !== undefined);
  const FOLD = 50; // rows shown of a long table until asked for all

  // A cell's value; undefined where there is none (also behind a message that spans the numbers).
  function orderOf(row, column, numeric) {
    const cell = row.cells[column];
    if (!cell || cell.classList.contains("problem") || cell.dataset.order === "") return undefined;
    return numeric ? Number(cell.dataset.order) : cell.dataset.order;
  }

  headings.forEach((heading, column) => {
    heading.firstElementChild.addEventListener("click", () => {
      const numeric = heading.dataset.kind === "number";
      const before = heading.getAttribute("aria-sort");
      const down = before === "none" ? numeric && column >= HEAD : before === "ascending";
      headings.forEach((h) => h.setAttribute("aria-sort", h === heading ? (down ? "descending" : "ascending") : "none"));
      rows.sort((a, b) => {
        const x = orderOf(a, column, numeric);
        const y = orderOf(b, column, numeric);
        if (x === undefined || y === undefined) return (x === undefined) - (y === undefined);
        const order = numeric ? x - y : x.localeCompare(y, undefined, { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows);
      fold();
    });
  });

  // Of the rows that the filter leaves, the first ones; copying takes them all.
  const more = document.getElementById("more");
  let whole = false;
  function fold() {
    const left = rows.filter((r) => !r.hidden);
    left.forEach((row, i) => row.classList.toggle("folded", !whole && i >= FOLD));
    if (!more) return;
    more.hidden = left.length <= FOLD;
    more.textContent = whole ? said("Show the first {rows} rows", { rows: FOLD }) : said("Show all {rows} rows", { rows: left.length });
    more.setAttribute("aria-expanded", String(whole));
  }
  if (more) more.addEventListener("click", () => { whole = !whole; fold(); });

  const filter = document.getElementById("filter");
  const count = document.getElementById("count");
  function refilter() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((w) => text.includes(w));
      left += !row.hidden;
    }
    fold();
    count.textContent = words.length ? said("{left} of {rows} rows", { left, rows: rows.length }) : said(rows.length === 1 ? "{rows} row" : "{rows} rows", { rows: rows.length });
  }
  filter.addEventListener("input", refilter);
  refilter();

  // ---- table: copy ---------------------------------------------------------------------------------------------------
  const shown = () => rows.filter((r) => !r.hidden);
  const names = headings.map((h) => h.textContent.trim());
  function texts(row, interval) {
    const cells = [...row.cells].map((cell, i) => {
      const main = cell.querySelector(".main").textContent;
      const small = i >= HEAD && cell.querySelector("small");
      return small ? interval(main, small.textContent) : main;
    });
    while (cells.length < names.length) cells.push("");
    return cells;
  }

  function markdown() {
    const safe = (t) => t.replace(/\\/g, "\\\\").replace(/\|/g, "\\|").replace(/</g, "&lt;").replace(/\s+/g, " ");
    const line = (cells) => "| " + cells.map(safe).join(" | ") + " |";
    const rule = "|" + headings.map((h) => (h.dataset.kind === "number" ? " ---: |" : " --- |")).join("");
    return [line(names), rule, ...shown().map((r) => line(texts(r, (m, i) => `${m} [${i}]`)))].join("\n") + "\n";
  }

  function latex() {
    const special = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "–": "--", "<": "\\textless{}", ">": "\\textgreater{}" };
    const safe = (t) => t.replace(/[\\&%$#_{}~^–<>]/g, (c) => special[c] || "\\" + c).replace(/\s+/g, " ");
    const columns = headings.map((h) => (h.dataset.kind === "number" ? "r" : "l")).join("");
    const lines = shown().map((r) => {
      const problem = r.querySelector(".problem");
      if (!problem) return texts(r, (m, i) => `${m} [${i}]`).map(safe).join(" & ") + " \\\\";
      const head = [...r.cells].slice(0, HEAD).map((c) => safe(c.querySelector(".main").textContent));
      return [...head, `\\multicolumn{${names.length - HEAD}}{l}{${safe(problem.textContent.trim())}}`].join(" & ") + " \\\\";
    });
    return ["% \\usepackage{booktabs}", `\\begin{tabular}{${columns}}`, "\\toprule", names.map(safe).join(" & ") + " \\\\", "\\midrule",
      ...lines, "\\bottomrule", "\\end{tabular}"].join("\n") + "\n";
  }

  function csv() {
    const records = JSON.parse(document.getElementById("csv").textContent);
    const safe = (v) => { const t = v === null ? "" : String(v); return /[",\n\r]/.test(t) ? `"${t.replace(/"/g, '""')}"` : t; };
    const chosen = records.length ? [records[0], ...shown().map((r) => records[1 + Number(r.dataset.row)])] : [];
    return chosen.map((r) => r.map(safe).join(",")).join("\n") + "\n";
  }

  function copyByHand(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.cssText = "position:fixed;top:0;left:0;opacity:0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser refused");
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (refused) {
      copyByHand(text);
    }
  }

  const makers = { markdown, latex, csv };
  window.limitlabTable = makers; // for scripts and tests
  for (const button of document.querySelectorAll(".copy")) {
    const words = button.textContent;
    button.addEventListener("click", async () => {
      let says = said("Copied");
      try {
        await copy(makers[button.dataset.copy]());
      } catch (refused) {
        says = said("Not copied");
      }
      button.textContent = says;
      document.getElementById("copied").textContent = says;
      setTimeout(() => { button.textContent = words; }, 1400);
    });
  }
})();
