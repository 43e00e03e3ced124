/** What the map says, in the page's language: texts of twin/web/texts.py, handed over in `data-words`. */

const words = JSON.parse(document.body.dataset.words ?? "{}") as Record<string, string>;
const language = document.documentElement.lang;
const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 });

/** The text called `name`, with `{placeholders}` filled in. */
export function say(name: string, values: Record<string, string> = {}): string {
  return (words[name] ?? name).replace(/\{(\w+)\}/g, (_, key: string) => values[key] ?? "");
}

/** A count in full: 12,345. */
export const counted = (count: number): string => whole.format(count);

/** A count for little room: 12.3K, 1.23万. */
export const abbreviated = (count: number): string => short.format(count);
