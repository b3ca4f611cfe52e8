"use strict";
const table = document.getElementById("quotas");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const form = document.getElementById("filter");
const shown = document.getElementById("shown");
const key = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent;
function filter() {
  const text = form.elements.text.value.trim().toLowerCase();
  const state = form.elements.state.value;
  let count = 0;
  for (const row of rows) {
    const matches = row.cells[0].textContent.toLowerCase().includes(text) && (state === "" || row.className === state);
    row.hidden = !matches;
    count += matches ? 1 : 0;
  }
  shown.textContent = `${count} of ${rows.length} shown`;
}
function sort(column, header) {
  const ascending = header.getAttribute("aria-sort") === "descending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const compare = new Intl.Collator(undefined, { numeric: true }).compare;
  rows.sort((a, b) => (ascending ? 1 : -1) * compare(key(a, column), key(b, column)));
  body.append(...rows);
}
Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = header.textContent;
  button.addEventListener("click", () => sort(column, header));
  header.replaceChildren(button);
});
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
filter();
