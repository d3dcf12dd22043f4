// Making and finding elements.

export function find<Found extends HTMLElement = HTMLElement>(id: string): Found {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found as Found;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  text?: string,
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The text of an element that is only there while it has one. */
export function setText(id: string, text: string): void {
  const place = find(id);
  // An unchanged text is not written again: a screen reader would hear it again.
  if (place.textContent !== text) place.textContent = text;
  place.hidden = text === "";
}

/** Rows of a `<dl>`. Each value is text, or an element of the caller's. */
export function describe(list: HTMLElement, rows: readonly (readonly [string, string | HTMLElement])[]): void {
  list.replaceChildren(
    ...rows.map(([name, value]) => {
      const row = element("div", "");
      const said = element("dd", "");
      said.append(value);
      row.append(element("dt", "", name), said);
      return row;
    }),
  );
}
