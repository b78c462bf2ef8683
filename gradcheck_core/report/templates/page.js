"use strict";
{
  const severities = ["CORRECT", "INSPECT", "INCONCLUSIVE", "SUSPECT", "BUG"];
  const product = (text) => text === "scalar" ? 1 : text.split("×").reduce((all, length) => all * Number(length), 1);
  const number = (text) => {
    const value = text === "inf" ? Infinity : text === "-inf" ? -Infinity : parseFloat(text);
    return Number.isNaN(value) ? null : value;
  };
  const keys = {
    text: (text) => text,
    number,
    size: product,
    verdict: (text) => severities.indexOf(text),
  };
  const compared = (a, b) => typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a < b ? -1 : a > b ? 1 : 0;

  const sort = (heading) => {
    const table = heading.closest("table");
    const body = table.tBodies[0];
    const column = heading.cellIndex;
    const key = keys[heading.dataset.kind];
    const firstDown = heading.dataset.kind !== "text";
    const current = heading.getAttribute("aria-sort");
    const down = current === "none" ? firstDown : current === "ascending";
    const rows = Array.from(body.rows, (row) => [key(row.cells[column].textContent.trim()), row]);
    // what has no number, or no text, comes last whichever way
    const missing = (value) => value === null || value === "";
    rows.sort(([a], [b]) => missing(a) || missing(b) ? missing(a) - missing(b) : down ? compared(b, a) : compared(a, b));
    body.append(...rows.map(([, row]) => row));
    for (const other of heading.parentElement.cells) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  };
  for (const heading of document.querySelectorAll("table.sortable thead th")) {
    heading.querySelector("button").addEventListener("click", () => sort(heading));
  }

  for (const input of document.querySelectorAll("input[data-table]")) {
    const rows = Array.from(document.getElementById(input.dataset.table).tBodies[0].rows);
    const status = input.parentElement.querySelector("[role=status]");
    const names = rows.map((row) => Array.from(row.querySelectorAll("bdi"), (one) => one.title + "\n" + one.textContent).join("\n").toLowerCase());
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase();
      let shown = 0;
      rows.forEach((row, k) => {
        row.hidden = !names[k].includes(wanted);
        shown += row.hidden ? 0 : 1;
      });
      status.textContent = (shown === rows.length ? "" : shown + " of ") + rows.length + " " + status.dataset.what;
    });
    input.parentElement.hidden = false;
  }

  const theme = document.getElementById("theme");
  const themes = [["", "the system's"], ["light", "light"], ["dark", "dark"]];
  let chosen = 0;
  theme.addEventListener("click", () => {
    chosen = (chosen + 1) % themes.length;
    const [value, said] = themes[chosen];
    if (value) document.documentElement.dataset.theme = value;
    else delete document.documentElement.dataset.theme;
    theme.querySelector("span").textContent = said;
  });
  theme.parentElement.hidden = false;
}
