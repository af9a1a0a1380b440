// The stub that stands in the page before everything else: the same for every site, so that its hash can be published.
import { install } from "./hold";
(window as any).samtykke ??= install(window, document); // pasted twice, it is there once
