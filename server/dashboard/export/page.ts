// Shows how far an export is while the browser downloads it. Without script a link leads to the same numbers.

export {};

const how = document.getElementById("how") as HTMLElement;
const bar = how.querySelector("progress") as HTMLProgressElement;
const told = how.querySelector("[role=status]") as HTMLElement;
const number = (n: number) => n.toLocaleString(document.documentElement.lang);
const every = 700; // milliseconds between questions
const patience = 15; // questions until an export that nobody knows is taken for another server's

let turn = 0; // what was begun later is followed alone

async function follow(id: string): Promise<void> {
  const mine = ++turn;
  for (let asked = 0; mine === turn; asked++) {
    try {
      const answer = await fetch(how.dataset.address + id);
      if (answer.ok) {
        const { state, written, of } = (await answer.json()) as { state: string; written: number; of: number };
        if (mine !== turn) return;
        if (state !== "unknown" || asked >= patience) show(state, written, of);
        if (!["running", "unknown"].includes(state)) return;
      }
    } catch {
      // The next question may be answered again.
    }
    await new Promise((after) => setTimeout(after, every));
  }
}

function show(state: string, written: number, of: number): void {
  how.dataset.state = state;
  bar.max = Math.max(of, written, 1);
  bar.value = state === "done" ? bar.max : written;
  const words = how.dataset[state === "running" && of === 0 ? "some" : state] ?? "";
  told.textContent = words.replace("%s", number(written)).replace("%s", number(of));
}

// Each download has a name of its own, in hexadecimal.
const newName = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

for (const form of document.querySelectorAll<HTMLFormElement>("form.take")) {
  form.addEventListener("submit", () => {
    const field = form.elements.namedItem("export") as HTMLInputElement;
    field.value = newName();
    how.hidden = false;
    show("running", 0, 0);
    follow(field.value);
  });
}
document.getElementById("follow")?.remove();
if (how.dataset.state === "running") follow(how.dataset.export ?? "");
