/** The kinds beside the map: which are shown, and in which colours. */

import type { Kinds } from "./registry";

const KEY = "kinds";

export class Legend {
  private readonly boxes: HTMLInputElement[];
  private readonly swatches: Map<string, HTMLElement>;
  private readonly media = new Map<string, string>();

  /** `onChange` runs when someone chooses other kinds, here or in the address. */
  constructor(root: HTMLElement, onChange: () => void) {
    this.boxes = [...root.querySelectorAll<HTMLInputElement>("input[name=kind]")];
    const swatches = [...root.querySelectorAll<HTMLElement>("[data-paint]")];
    this.swatches = new Map(swatches.map((swatch) => [swatch.dataset.paint ?? "", swatch]));
    for (const { dataset } of swatches) {
      for (const medium of (dataset.media ?? "").split(" ")) this.media.set(medium, dataset.paint ?? "");
    }
    this.readAddress();
    root.addEventListener("change", () => {
      this.writeAddress();
      onChange();
    });
    addEventListener("hashchange", () => {
      if (this.readAddress()) onChange();
    });
  }

  /** The kinds that are shown; null where all are. */
  get kinds(): Kinds {
    const chosen = this.boxes.filter((box) => box.checked).map((box) => box.value);
    return chosen.length === this.boxes.length ? null : chosen;
  }

  /** What a kind is called. */
  label(kind: string): string {
    const box = this.boxes.find(({ value }) => value === kind);
    return box?.dataset.label ?? kind;
  }

  /** The name of the colour that an asset has: its medium's, else its kind's. */
  paintOf(kind: string, medium?: string | null): string {
    return (medium && this.media.get(medium)) || kind;
  }

  /** Every name of a colour with the colour, as it is by day or by night. */
  colours(): [name: string, colour: string][] {
    return [...this.swatches].map(([name, swatch]) => [name, getComputedStyle(swatch).backgroundColor]);
  }

  /** Checks what the address says; whether that changed anything. */
  private readAddress(): boolean {
    const part = parts().find((candidate) => candidate.startsWith(`${KEY}=`));
    const named =
      part === undefined
        ? null
        : decodeURIComponent(part.slice(KEY.length + 1))
            .toUpperCase()
            .split(",");
    const changed = this.boxes.filter((box) => box.checked !== (named?.includes(box.value) ?? true));
    for (const box of changed) box.checked = !box.checked;
    return changed.length > 0;
  }

  private writeAddress(): void {
    const chosen = this.kinds;
    const kept = parts().filter((part) => !part.startsWith(`${KEY}=`));
    if (chosen !== null) kept.push(`${KEY}=${chosen.join(",").toLowerCase()}`);
    history.replaceState(history.state, "", `#${kept.join("&")}`);
  }
}

const parts = (): string[] => location.hash.slice(1).split("&").filter(Boolean);
