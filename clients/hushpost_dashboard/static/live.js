// Keeps a campaign's page current: replaces the parts of the page that the server sends when
// numbers change, and fetches the lists again, which depend on what is sorted and searched.

const LIST_SECONDS = 10;
const ANNOUNCE_SECONDS = 20;
const BUSY_SECONDS = 60;

const live = document.getElementById("live");
const liveText = document.getElementById("live-text");
const announcement = document.getElementById("announcement");
const shown = new Map();
let announced = 0;
let pendingAnnouncement;
let listsFetched = 0;
let pendingLists;
let lastChange = "Live";

function status(state, text) {
  live.hidden = false;
  live.dataset.state = state;
  liveText.textContent = text;
}

function clock() {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" }).format(new Date());
}

// Screen readers hear a change, but not each of many.
function announce(text) {
  clearTimeout(pendingAnnouncement);
  const wait = Math.max(0, announced + ANNOUNCE_SECONDS * 1000 - Date.now());
  pendingAnnouncement = setTimeout(() => {
    announced = Date.now();
    announcement.textContent = text;
  }, wait);
}

function replace(element, html) {
  // Neither focus nor the position in a table is lost.
  if (!element || element.contains(document.activeElement)) return;
  element.innerHTML = html;
  describeTimes(element);
}

function show(report) {
  const isFirst = shown.size === 0;
  let changed = false;
  const values = { ...report.parts, ...report.charts };
  for (const [name, value] of Object.entries(values)) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (shown.get(name) === text) continue;
    changed = true;
    shown.set(name, text);
    if (name in report.parts) replace(document.getElementById(`part-${name}`), text);
    else document.getElementById(`data-${name}`).textContent = text;
  }
  if (changed && !isFirst) lastChange = `Live, changed at ${clock()}`;
  status("on", lastChange);
  if (!changed) return;
  document.dispatchEvent(new Event("hushpost:numbers"));
  if (isFirst) return;
  announce(report.announcement);
  refreshLists();
}

function refreshLists() {
  if (pendingLists) return;
  const wait = Math.max(0, listsFetched + LIST_SECONDS * 1000 - Date.now()) + Math.random() * 1000;
  pendingLists = setTimeout(fetchLists, wait);
}

async function fetchLists() {
  if (document.hidden) {
    document.addEventListener("visibilitychange", fetchLists, { once: true });
    return;
  }
  pendingLists = undefined;
  listsFetched = Date.now();
  const response = await fetch(location.href).catch(() => undefined);
  if (!response?.ok || response.redirected) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const id of ["list-links", "list-groups"]) {
    const [present, next] = [document.getElementById(id), fresh.getElementById(id)];
    if (!next || present.innerHTML === next.innerHTML) continue;
    replace(present, next.innerHTML);
    const picture = id === "list-links" && document.getElementById("picture");
    if (picture) picture.src = picture.src;
  }
}

function connect() {
  const source = new EventSource(live.dataset.events);
  source.addEventListener("report", (event) => show(JSON.parse(event.data)));
  source.addEventListener("stale", () =>
    status("off", "Not live: the authority cannot be reached"),
  );
  source.addEventListener("error", () => status("off", "Not live: reconnecting…"));
  source.addEventListener("end", (event) => {
    if (event.data === "stopping") return;
    source.close();
    if (event.data === "signed-out") location.reload();
    else if (event.data === "not-found") status("off", "Not live: reload the page");
    else {
      status("off", "Not live: too many open pages");
      setTimeout(connect, BUSY_SECONDS * 1000);
    }
  });
  addEventListener("pagehide", () => source.close(), { once: true });
}

// Local times as titles, and how long it takes until the next release.
function describeTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.title = at.toLocaleString(undefined, { dateStyle: "full", timeStyle: "long" });
  }
  for (const time of root.querySelectorAll(".next-release time")) {
    const minutes = Math.round((new Date(time.dateTime) - Date.now()) / 60000);
    const [count, unit] =
      minutes < 120 ? [minutes, "minute"]
      : minutes < 2880 ? [Math.round(minutes / 60), "hour"]
      : [Math.round(minutes / 1440), "day"];
    const words = new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(count, unit);
    time.parentElement.querySelector(".countdown")?.remove();
    if (minutes > 0) time.insertAdjacentHTML("afterend", `<span class="countdown"> (${words})</span>`);
  }
}

describeTimes(document);
connect();
addEventListener("pageshow", (event) => event.persisted && connect());
