"use strict";
(() => {
  const table = document.getElementById("findings");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const told = document.getElementById("told");
  const search = document.getElementById("search");
  const chosen = document.getElementById("chosen");
  const texts = new Map(rows.map((row) => [row, row.textContent.toLocaleLowerCase()]));
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  const say = (words) => { told.textContent = words; };
  const count = (number) => (number === 1 ? "1 finding" : number.toLocaleString() + " findings");

  const show = () => {
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!chosen.value || row.dataset.kind === chosen.value || row.dataset.group === chosen.value)
        && words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    say(shown === rows.length ? count(shown) : count(shown) + " of " + rows.length.toLocaleString());
    document.getElementById("none").hidden = shown > 0;
  };

  const value = (row, place) => {
    const cell = row.cells[place];
    return cell.dataset.number === undefined ? cell.textContent.trim() : Number(cell.dataset.number);
  };
  const compare = (one, other) => {
    if (typeof one === "number" && typeof other === "number") return one - other;
    if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
    if (!one || !other) return one ? -1 : other ? 1 : 0;
    return collator.compare(one, other);
  };
  const sort = (head, button) => {
    const place = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.sort((one, other) => {
      const order = compare(value(one, place), value(other, place));
      return down ? -order : order;
    });
    body.append(...rows);
    say("Sorted by " + button.textContent.trim() + (down ? ", largest first" : ", smallest first"));
  };

  for (const head of table.tHead.rows[0].cells) {
    const words = head.textContent.trim();
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.addEventListener("click", () => sort(head, button));
    head.replaceChildren(button);
  }
  search.addEventListener("input", show);
  chosen.addEventListener("change", show);
  document.getElementById("tools").hidden = false;
  show();
})();
