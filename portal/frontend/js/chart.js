// <uhub-chart src label unit group max every>: figures over time. Answer of src: {"times": [unix seconds],
// "series": [{"label", "values": [number or null]}]}; null is a gap. Loaded by pages that have charts only.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import "../css/time-charts.css";

const HEIGHT_PX = 180;
const TONES = ["--chart-1", "--chart-2", "--chart-3", "--chart-4"];
const DASHES = [[], [6, 4], [2, 4], [10, 3, 2, 3]];
const FONT = '11px "Geist Variable", sans-serif';
const PREFIXES = ["", "k", "M", "G", "T"];
const MS = 1000;
const DAY_S = 86_400;

const make = (name, values = {}, ...children) => {
  const node = Object.assign(document.createElement(name), values);
  node.append(...children);
  return node;
};

class Chart extends HTMLElement {
  static observedAttributes = ["src"];

  connectedCallback() {
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    this.resizer = new ResizeObserver(() => this.resize());
    this.themes = new MutationObserver(() => this.draw());
    this.themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const light = matchMedia("(prefers-color-scheme: light)");
    light.addEventListener("change", () => this.draw(), { signal });
    this.addEventListener("reload", () => this.load(), { signal });
    const every = Number(this.getAttribute("every"));
    if (every) this.timer = setInterval(() => document.hidden || this.load(), every * MS);
    this.load();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.aborter.abort();
    this.resizer.disconnect();
    this.themes.disconnect();
    this.clear();
  }

  attributeChangedCallback(_name, before) {
    if (before !== null && this.isConnected) this.load();
  }

  async load() {
    const { signal } = this.aborter;
    try {
      const answer = await fetch(this.getAttribute("src"), {
        headers: { Accept: "application/json" },
        signal,
      });
      if (!answer.ok) throw new Error(answer.statusText);
      this.figures = await answer.json();
      this.draw();
    } catch {
      // What was drawn stays when a later question fails; leaving the page is no failure.
      if (!signal.aborted && !this.figures) this.say(this.dataset.failed);
    }
  }

  clear() {
    this.plot?.destroy();
    this.plot = undefined;
  }

  say(text = "") {
    this.clear();
    this.replaceChildren(make("p", { className: "chart-note", role: "status" }, text));
  }

  draw() {
    if (!this.figures) return;
    const { times, series } = this.figures;
    const known = series.some(({ values }) => values.some((value) => value !== null));
    if (!times.length || !known) return this.say(this.dataset.empty);
    const isOpen = this.querySelector("details")?.open ?? false;
    this.clear();
    this.readout = series.map(() => make("b", { className: "num" }));
    this.box = make("div", { className: "chart-plot", role: "img", ariaLabel: this.summary() });
    this.replaceChildren(this.legend(), this.box, this.table(isOpen));
    const data = [times, ...series.map(({ values }) => values)];
    this.plot = new uPlot(this.options(), data, this.box);
    this.resizer.observe(this.box);
    this.read(null);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (width && this.plot && width !== this.plot.width) this.plot.setSize({ width, height });
  }

  figure(value) {
    if (value === null || value === undefined) return "–";
    const lang = document.documentElement.lang || undefined;
    let unit = this.getAttribute("unit");
    if (/^[Bo]/.test(unit)) {
      const power = Math.min(PREFIXES.length - 1, Math.floor(Math.log10(Math.max(value, 1)) / 3));
      value /= 1000 ** power;
      unit = PREFIXES[power] + unit;
    }
    const number = value.toLocaleString(lang, { maximumFractionDigits: value < 10 ? 1 : 0 });
    return unit ? `${number}\u00a0${unit}` : number;
  }

  time(seconds, isLong = false) {
    const { times } = this.figures;
    const isWide = times.at(-1) - times[0] > DAY_S;
    const day = isLong || isWide ? { day: "numeric", month: "short" } : {};
    return new Date(seconds * MS).toLocaleString(document.documentElement.lang || undefined, {
      ...day,
      ...(isWide && !isLong ? {} : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }),
      timeZone: this.dataset.zone || undefined,
    });
  }

  summary() {
    const last = this.figures.series.map(({ label, values }) => {
      const value = values.findLast((each) => each !== null);
      return `${label} ${this.figure(value)}`;
    });
    return `${this.getAttribute("label")}: ${last.join(", ")}`;
  }

  // The legend says the newest figures, or those under the cursor.
  read(index) {
    this.figures.series.forEach(({ values }, at) => {
      const value = index === null ? values.findLast((each) => each !== null) : values[index];
      this.readout[at].textContent = this.figure(value);
    });
    this.when.textContent = index === null ? "" : this.time(this.figures.times[index], true);
  }

  legend() {
    this.when = make("time", { className: "num" });
    const names = this.figures.series.map(({ label }, at) =>
      make("span", { className: `s${at + 1}` }, make("i"), label, this.readout[at]),
    );
    return make("p", { className: "legend", ariaHidden: "true" }, ...names, this.when);
  }

  table(isOpen) {
    const { times, series } = this.figures;
    const head = make("tr", {}, make("th", { scope: "col" }, this.dataset.time ?? ""));
    for (const { label } of series) head.append(make("th", { scope: "col", className: "r" }, label));
    const fill = () => {
      if (body.childElementCount) return;
      times.forEach((time, row) => {
        const cells = series.map(({ values }) =>
          make("td", { className: "r num" }, this.figure(values[row])),
        );
        body.append(make("tr", {}, make("th", { scope: "row" }, this.time(time, true)), ...cells));
      });
    };
    const body = make("tbody");
    const wrap = make("div", { className: "table-wrap", tabIndex: 0, role: "region" });
    wrap.ariaLabel = this.getAttribute("label");
    wrap.append(make("table", { className: "data-table" }, make("thead", {}, head), body));
    const details = make("details", { className: "chart-table", open: isOpen });
    details.append(make("summary", {}, this.dataset.table ?? this.getAttribute("label")), wrap);
    // A thousand rows are written when somebody wants to see them.
    details.addEventListener("toggle", () => details.open && fill());
    if (isOpen) fill();
    return details;
  }

  options() {
    const css = getComputedStyle(this);
    const colour = (name) => css.getPropertyValue(name).trim();
    const axis = { stroke: colour("--text-3"), font: FONT, ticks: { show: false } };
    const max = Number(this.getAttribute("max"));
    const group = this.getAttribute("group");
    return {
      width: this.box.clientWidth,
      height: this.box.clientHeight || HEIGHT_PX,
      padding: [8, 20, 0, 0],
      legend: { show: false },
      scales: { y: { range: (_plot, _low, high) => [0, max || (high || 1) * 1.1] } },
      cursor: {
        y: false,
        drag: { x: false, y: false },
        points: { size: 7 },
        ...(group ? { sync: { key: group, setSeries: false } } : {}),
      },
      hooks: { setCursor: [({ cursor }) => this.read(cursor.idx ?? null)] },
      axes: [
        {
          ...axis,
          grid: { show: false },
          gap: 10,
          size: 32,
          space: 64,
          values: (_plot, splits) => splits.map((each) => this.time(each)),
        },
        {
          ...axis,
          grid: { stroke: colour("--chart-grid"), width: 1 },
          size: (_plot, values) => 14 + 6.5 * Math.max(0, ...(values ?? []).map((each) => each.length)),
          space: 44,
          values: (_plot, splits) => splits.map((each) => this.figure(each)),
        },
      ],
      series: [
        {},
        ...this.figures.series.map((_series, at) => ({
          stroke: colour(TONES[at % TONES.length]),
          dash: DASHES[at % DASHES.length],
          width: 1.75,
          fill: this.figures.series.length === 1 ? this.fade(colour(TONES[0])) : undefined,
          spanGaps: false,
          points: { show: false },
        })),
      ],
    };
  }

  fade(colour) {
    return ({ ctx, bbox }) => {
      const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height);
      gradient.addColorStop(0, `${colour}4d`);
      gradient.addColorStop(1, `${colour}00`);
      return gradient;
    };
  }
}

customElements.define("uhub-chart", Chart);
