// The copy button beside the tag. Without script it isn't there: a click on the tag marks it whole.
for (const button of document.querySelectorAll<HTMLButtonElement>("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy ?? "");
  const told = button.parentElement?.querySelector("[role=status]");
  if (!source || !navigator.clipboard) continue;
  button.parentElement?.removeAttribute("hidden");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.textContent ?? "");
    if (told) told.textContent = button.dataset.copied ?? "";
  });
}

// A link to a step unfolds it.
const unfold = () => document.getElementById(location.hash.slice(1))?.querySelector("details")?.setAttribute("open", "");
addEventListener("hashchange", unfold);
unfold();
