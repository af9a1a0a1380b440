// Verifies one record's receipt on the dashboard's page of the record, and says what came of it. The page works without.
import { OldBrowser, parseKey } from "./note";
import { verifyReceipt } from "./receipt";

const told = document.querySelector<HTMLElement>("[data-receipt]");

async function verdict(of: DOMStringMap): Promise<"good" | "bad" | "old"> {
  try {
    const keys = await Promise.all((of.keys ?? "").split(/\s+/).filter(Boolean).map(parseKey));
    const receipt = await verifyReceipt(of.receipt ?? "", keys);
    return receipt.record.id === of.record && receipt.checkpoint ? "good" : "bad";
  } catch (e) {
    return e instanceof OldBrowser ? "old" : "bad";
  }
}

if (told)
  void verdict(told.dataset).then((v) => {
    told.textContent = told.dataset[v] ?? "";
    told.className = v === "good" ? "done" : "tip alarm";
    told.dataset.state = v;
  });
