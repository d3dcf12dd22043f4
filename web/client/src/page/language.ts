// Which language the page speaks, and how it writes numbers in it.

import { ar } from "./words/ar";
import { en, type Words } from "./words/en";

export type Language = "en" | "ar";

const TABLES: Record<Language, Words> = { en, ar };
const DIRECTIONS: Record<Language, "ltr" | "rtl"> = { en: "ltr", ar: "rtl" };

let language: Language = "en";
/** Of the caller's own country: it decides on the digits of Arabic. */
let locale = "en";

/** `?lang=` if it names a language of the page, else the first of the browser's that the page speaks. */
export function wantedLanguage(search: string, preferred: readonly string[]): Language {
  const candidates = [new URLSearchParams(search).get("lang") ?? "", ...preferred];
  const spoken = candidates.map((tag) => tag.toLowerCase().split("-")[0]);
  return spoken.find((tag): tag is Language => tag !== undefined && Object.hasOwn(TABLES, tag)) ?? "en";
}

/** Sets language and direction of the document, and the text of all that has `data-word`. */
export function speak(wanted: Language): void {
  language = wanted;
  locale = navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === wanted) ?? wanted;
  document.documentElement.lang = wanted;
  document.documentElement.dir = DIRECTIONS[wanted];
  for (const place of document.querySelectorAll<HTMLElement>("[data-word]")) {
    place.textContent = text(place.dataset.word);
  }
  for (const place of document.querySelectorAll<HTMLElement>("[data-label]")) {
    place.ariaLabel = text(place.dataset.label);
  }
  for (const place of document.querySelectorAll<HTMLInputElement>("[data-placeholder]")) {
    place.placeholder = text(place.dataset.placeholder);
  }
}

export function spoken(): Language {
  return language;
}

export function words(): Words {
  return TABLES[language];
}

export interface Quantity {
  digits: string;
  unit: string;
}

/** `ms` in two parts, for those who set them apart: "48" and "ms", "12.4" and "s". */
export function quantity(ms: number): Quantity {
  const seconds = ms >= 9999.5;
  const format = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: seconds ? "second" : "millisecond",
    unitDisplay: seconds ? "narrow" : "short",
    maximumFractionDigits: seconds ? 1 : 0,
  });
  const parts = format.formatToParts(seconds ? ms / 1000 : Math.round(ms));
  const unit = parts.filter(({ type }) => type === "unit").map(({ value }) => value.trim());
  const digits = parts.filter(({ type }) => type !== "unit" && type !== "literal").map(({ value }) => value);
  return { digits: digits.join(""), unit: unit.join(" ") };
}

/** `ms` as a person reads it: "48 ms", "12.4 s". */
export function milliseconds(ms: number): string {
  const { digits, unit } = quantity(ms);
  return `${digits} ${unit}`;
}

export function count(value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }).format(value);
}

/** A number of something that is not a quantity: a tick of a scale. */
export function decimal(value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value);
}

export function share(value: number): string {
  return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(value);
}

export function hertz(value: number): string {
  const khz = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value / 1000);
  return words().kilohertz(khz);
}

function text(key: string | undefined): string {
  const found = words()[key as keyof Words];
  if (typeof found !== "string") throw new Error(`no word for "${key ?? ""}"`);
  return found;
}
