// Draws the charts of a campaign's page with Chart.js. Their data is in <script> elements of
// type application/json, which live.js replaces when numbers change.

const style = () => getComputedStyle(document.documentElement);
const colour = (name) => style().getPropertyValue(name).trim();
const number = new Intl.NumberFormat("en");
const charts = new Map();

function read(id) {
  return JSON.parse(document.getElementById(`data-${id}`).textContent);
}

// Stripes tell estimates from exact counts without colour.
function stripes(stroke) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const pen = tile.getContext("2d");
  pen.globalAlpha = 0.25;
  pen.fillStyle = stroke;
  pen.fillRect(0, 0, 8, 8);
  pen.globalAlpha = 1;
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const x of [-8, 0, 8]) {
    pen.moveTo(x, 8);
    pen.lineTo(x + 8, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
}

function fonts() {
  const root = parseFloat(style().fontSize);
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = Math.round(root * 0.8125);
  Chart.defaults.color = colour("--muted");
  Chart.defaults.borderColor = colour("--grid");
  Chart.defaults.maintainAspectRatio = false;
  Chart.defaults.animation = false;
  Chart.defaults.plugins.legend.display = false;
}

function countAxis() {
  return {
    beginAtZero: true,
    suggestedMax: 5,
    grid: { color: colour("--grid") },
    border: { display: false },
    ticks: { precision: 0, maxTicksLimit: 6, callback: (value) => number.format(value) },
  };
}

function peopleChart(data) {
  const people = (name) => data.machine.map((is) => colour(is ? "--machine" : name));
  const identified = people("--series-1");
  return {
    type: "bar",
    data: {
      labels: data.labels,
      datasets: [
        {
          label: "identified",
          data: data.identified,
          backgroundColor: identified,
          stack: "people",
          maxBarThickness: 36,
        },
        {
          type: "barWithErrorBars",
          label: "anonymous",
          data: data.anonymous.map((x, index) => ({
            x,
            y: data.labels[index],
            ...(data.high[index] > data.low[index] && {
              xMin: data.low[index],
              xMax: data.high[index],
            }),
          })),
          backgroundColor: identified.map(stripes),
          borderColor: identified,
          borderWidth: 1,
          stack: "people",
          maxBarThickness: 36,
          errorBarColor: colour("--text"),
          errorBarWhiskerColor: colour("--text"),
          errorBarLineWidth: 2,
          errorBarWhiskerLineWidth: 2,
          errorBarWhiskerSize: 12,
        },
      ],
    },
    options: {
      indexAxis: "y",
      scales: {
        x: { ...countAxis(), stacked: true, suggestedMax: Math.max(5, ...data.high) * 1.02 },
        y: { stacked: true, grid: { display: false }, border: { color: colour("--line-strong") } },
      },
      plugins: {
        tooltip: {
          mode: "index",
          axis: "y",
          intersect: false,
          filter: (item) => item.datasetIndex === 0,
          displayColors: false,
          callbacks: { label: (item) => data.texts[item.dataIndex] },
        },
      },
    },
  };
}

function timeChart(data) {
  const line = (label, values, name, more) => ({
    label,
    data: values,
    borderColor: colour(name),
    backgroundColor: colour(name),
    borderWidth: 2,
    pointRadius: values.length < 40 ? 3 : 0,
    pointHoverRadius: 5,
    tension: 0,
    ...more,
  });
  return {
    type: "line",
    data: {
      labels: data.labels,
      datasets: [
        line("opened", data.opens, "--series-1", { pointStyle: "circle" }),
        line("clicked", data.clicks, "--series-2", { pointStyle: "rectRot", borderDash: [6, 3] }),
      ],
    },
    options: {
      interaction: { mode: "index", intersect: false },
      scales: {
        x: {
          grid: { display: false },
          border: { color: colour("--line-strong") },
          ticks: { maxRotation: 0, autoSkipPadding: 16 },
        },
        y: countAxis(),
      },
      plugins: {
        tooltip: {
          usePointStyle: true,
          callbacks: { title: ([item]) => `${data.unit} from ${item.label} UTC` },
        },
      },
    },
  };
}

const kinds = { people: peopleChart, time: timeChart };

function draw(id) {
  const config = kinds[id](read(id));
  const chart = charts.get(id);
  if (chart) {
    chart.data = config.data;
    chart.options = config.options;
    chart.update();
  } else {
    const canvas = document.querySelector(`#chart-${id} canvas`);
    charts.set(id, new Chart(canvas, config));
  }
}

function drawAll() {
  fonts();
  Object.keys(kinds).forEach(draw);
}

// Resolves after the first paint. Background tabs do not paint.
function painted() {
  const paint = new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return Promise.race([paint, new Promise((resolve) => setTimeout(resolve, 500))]);
}

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: address, onload: resolve, onerror: reject });
    document.head.append(script);
  });
}

async function start() {
  // Running the library takes longer than showing the page, so the page comes first.
  await painted();
  for (const link of document.querySelectorAll(".chart-library")) {
    await load(link.href);
  }
  drawAll();
  document.addEventListener("hushpost:numbers", () => Object.keys(kinds).forEach(draw));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
}

start().catch((error) => {
  // The library did not load: show the tables instead of empty frames.
  console.error(error);
  document.querySelectorAll(".chart").forEach((element) => element.remove());
  document.querySelectorAll("details.data-table").forEach((element) => (element.open = true));
});
