/** The page around a map: its colours, the state it shows, links that go on in the language asked for. */

export type State = "loading" | "ready" | "empty" | "failed";

/** A colour of the style sheet, as it is by day or by night. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Runs `change` whenever the page turns from light to dark or back. */
export function onThemeChange(change: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", change);
}

/** Shows what a map is doing: in its `data-state` and, if there is something to say, in words. */
export function tell(container: HTMLElement, state: State, ...message: (Node | string)[]): void {
  container.dataset.state = state;
  container.setAttribute("aria-busy", String(state === "loading"));
  const note = container.querySelector(".map-note") ?? container.appendChild(newNote());
  note.replaceChildren(...message);
}

function newNote(): HTMLElement {
  const note = element("p", "map-note");
  note.setAttribute("role", "status");
  return note;
}

/** The path of an asset's page. */
export function assetPath(code: string): string {
  const lang = new URLSearchParams(location.search).get("lang");
  return `/a/${encodeURIComponent(code)}${lang === null ? "" : `?lang=${encodeURIComponent(lang)}`}`;
}

/** An element with a class and content; strings stay text. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  ...content: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** A link with a quiet note below its text. */
export function link(href: string, text: string, note = ""): HTMLAnchorElement {
  const made = element("a", "", text);
  made.href = href;
  if (note) made.append(element("span", "note", note));
  return made;
}
