// Which providers the agent works with, and which of them are real.

import { element, find } from "./dom";
import { words } from "./language";

export interface Provider {
  role: string;
  name: string;
  mode: "real" | "simulated";
}

export class ProvidersView {
  private providers: readonly Provider[] = [];

  show(providers: readonly Provider[]): void {
    this.providers = providers;
    this.draw();
  }

  draw(): void {
    find("providers-fold").hidden = this.providers.length === 0;
    find("providers").replaceChildren(
      ...this.providers.map(({ role, name, mode }) => {
        const row = element("div", mode);
        // As the agent names them, in whichever language the page is.
        const [what, which] = [element("dt", "", role), element("dd", "", name)];
        what.dir = which.dir = "auto";
        row.append(what, which, element("dd", "mode", mode === "real" ? words().real : words().simulated));
        return row;
      }),
    );
  }
}
