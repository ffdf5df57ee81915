// The pages work as plain forms. This script keeps them fresh, asks before a button that wants it, loads the options of
// external selects, and sends a message on Enter.
"use strict";

document.documentElement.classList.add("js");

const every = 1000;

// swap takes the new content of the page over where it changed, and leaves alone what somebody is typing in.
function swap(fresh) {
  const live = document.getElementById("live");
  const freshLive = fresh.getElementById("live");
  const typing = live && live.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  if (live && freshLive && !typing && live.dataset.was !== freshLive.innerHTML) {
    const open = [...live.querySelectorAll("details[open]")].map((d) => d.id);
    const atEnd = window.innerHeight + window.scrollY >= document.body.scrollHeight - 80;
    live.innerHTML = freshLive.innerHTML;
    live.dataset.was = freshLive.innerHTML;
    for (const id of open) {
      const again = document.getElementById(id);
      if (again) again.open = true;
    }
    if (atEnd) window.scrollTo(0, document.body.scrollHeight);
  }
  const modal = document.getElementById("modal");
  const freshModal = fresh.getElementById("modal");
  if (modal && freshModal && modal.dataset.version !== freshModal.dataset.version) {
    const typed = typedIn(modal);
    modal.innerHTML = freshModal.innerHTML;
    modal.dataset.version = freshModal.dataset.version;
    keep(modal, typed);
    focusModal();
  }
}

// An update of a modal leaves what was typed and not yet sent, as Slack does.
function typedIn(modal) {
  const fields = [...modal.querySelectorAll('.blocks input[type="text"], .blocks textarea')];
  const view = modal.querySelector('input[name="view"]');
  return { view: view && view.value, values: new Map(fields.map((f) => [f.name, f.value])) };
}

function keep(modal, typed) {
  const view = modal.querySelector('input[name="view"]');
  if (!view || view.value !== typed.view) return;
  for (const field of modal.querySelectorAll('.blocks input[type="text"], .blocks textarea')) {
    if (typed.values.has(field.name)) field.value = typed.values.get(field.name);
  }
}

async function refresh() {
  try {
    const address = new URL(location.href);
    address.searchParams.set("quiet", "1");
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.ok && !leaving) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The look-alike is restarting; the next round finds it again.
  }
  setTimeout(refresh, every);
}

function focusModal() {
  const first = document.querySelector("#modal .blocks input:not([type=hidden]), #modal .blocks textarea, #modal .blocks select");
  if (first) first.focus();
}

// ask shows the question of a button and presses it if the answer is yes.
function ask(button) {
  const dialog = document.createElement("dialog");
  const title = document.createElement("h2");
  const text = document.createElement("p");
  const row = document.createElement("p");
  const no = document.createElement("button");
  const yes = document.createElement("button");
  title.textContent = button.dataset.title;
  text.textContent = button.dataset.text;
  no.textContent = button.dataset.no;
  yes.textContent = button.dataset.yes;
  no.className = "button";
  yes.className = "button yes " + (button.dataset.look === "danger" ? "danger" : "primary");
  row.className = "row";
  row.append(no, yes);
  dialog.className = "confirm";
  dialog.append(title, text, row);
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    dialog.close();
    button.dataset.asked = "1";
    button.form.requestSubmit(button);
  });
  dialog.showModal();
}

let leaving = false;

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (button && button.dataset.title && !button.dataset.asked) {
    event.preventDefault();
    ask(button);
    return;
  }
  if (leaving) {
    event.preventDefault(); // pressed twice
    return;
  }
  leaving = true;
  document.body.classList.add("busy");
});

// A page that comes back from the browser's memory is not on its way anywhere.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    leaving = false;
    document.body.classList.remove("busy");
  }
});

document.addEventListener("change", (event) => {
  const field = event.target;
  if (field.matches("select") && !field.multiple) field.size = 0;
  if (!("auto" in field.dataset)) return;
  const place = field.closest("form.act, .actions, .input, .section");
  const button = place && [...place.querySelectorAll("button.choose")].find((b) => "value:" + b.value === field.name);
  if (button) button.form.requestSubmit(button);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && event.target.matches(".composer textarea")) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

let searching;

document.addEventListener("input", (event) => {
  if (!event.target.matches("input.search")) return;
  clearTimeout(searching);
  searching = setTimeout(() => search(event.target), 250);
});

async function search(field) {
  const select = field.parentElement.querySelector('select[name="' + CSS.escape("value:" + field.dataset.key) + '"]');
  if (!select || field.value.length < Number(field.dataset.least)) return;
  const address = new URL("/as/" + encodeURIComponent(field.dataset.user) + "/options", location.href);
  address.search = new URLSearchParams({ surface: field.dataset.surface, key: field.dataset.key, typed: field.value });
  const answer = await (await fetch(address)).json();
  field.setCustomValidity(answer.ok ? "" : answer.error);
  field.reportValidity();
  if (!answer.ok) return;
  for (const option of [...select.options]) {
    if (option.value !== "" && !option.selected) option.remove();
  }
  for (const found of answer.options) {
    if (![...select.options].some((o) => o.value === found.value)) select.append(new Option(found.text, found.value));
  }
  select.size = Math.min(6, Math.max(2, select.options.length)); // shown open, until one is picked
}

if (document.body.dataset.refresh !== "0") setTimeout(refresh, every);
if (document.querySelector("#modal section")) focusModal();
else if (document.querySelector(".composer.bottom") && !location.hash) window.scrollTo(0, document.body.scrollHeight);
