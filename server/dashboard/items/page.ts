// Sorting by single keys. They count only while one of the list's boxes has the focus, so they are in nobody's way: not in a
// field, not in a screen reader's own keys elsewhere. What they choose is saved by the same form as without this script.

export {};

const form = document.querySelector<HTMLFormElement>("#bulk");
const boxes = [...document.querySelectorAll<HTMLInputElement>(".pick input")];
const kinds = ["necessary", "preferences", "statistics", "marketing"];

if (form && boxes[0]) {
  document.querySelector<HTMLElement>("#keys")!.hidden = false;
  const tally = form.querySelector<HTMLElement>(".tally")!;
  const options = form.querySelector<HTMLSelectElement>("select")!.options;
  const word = (kind: string) => [...options].find((o) => o.value === kind)?.text ?? kind;

  /** Notes a category for an entry, or forgets it. */
  const choose = (box: HTMLInputElement, kind?: string) => {
    const row = box.closest("li")!;
    row.querySelector(".chosen")?.remove();
    form.querySelector(`input[data-key="${CSS.escape(box.value)}"]`)?.remove();
    let said = "";
    if (kind) {
      const note = Object.assign(document.createElement("input"), { type: "hidden", name: "as", value: kind + " " + box.value });
      note.dataset.key = box.value;
      form.append(note);
      const flag = Object.assign(document.createElement("span"), { className: "flag good chosen", textContent: "→ " + word(kind) });
      row.querySelector("summary code")!.after(flag);
      said = row.querySelector("summary code")!.textContent + " → " + word(kind) + ". ";
    }
    const n = form.querySelectorAll("[name=as]").length;
    tally.textContent = said + (n ? tally.dataset.many!.replace("#", String(n)) : "");
  };

  // What was chosen before something was found to be wrong with it.
  for (const note of form.querySelectorAll<HTMLInputElement>("[name=as]")) {
    const box = boxes.find((b) => note.value.endsWith(" " + b.value));
    note.remove();
    if (box) choose(box, note.value.split(" ")[0]);
  }

  document.addEventListener("keydown", (event) => {
    const at = boxes.indexOf(event.target as HTMLInputElement);
    if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
    const box = boxes[at]!, next = boxes[at + 1] ?? box;
    const kind = kinds[Number(event.key) - 1];
    if (event.key === "j") next.focus();
    else if (event.key === "k") (boxes[at - 1] ?? box).focus();
    else if (event.key === "x") box.click();
    else if (event.key === "0") choose(box);
    else if (kind) {
      choose(box, kind);
      next.focus();
    } else return;
    event.preventDefault();
  });
}
