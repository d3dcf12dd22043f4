// Runs beside the page in a world of its own: the page can neither see nor replace what is here.
() => {
  if (globalThis.browsing) return;
  const SKIPPED = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "HEAD", "IFRAME", "OBJECT", "EMBED", "SVG", "svg", "CANVAS", "VIDEO", "AUDIO", "OPTION"]);
  const FIELDS = new Set(["INPUT", "TEXTAREA", "SELECT"]);
  const BUTTONS = new Set(["submit", "button", "reset", "image"]);
  const MARKS = new Set(["checkbox", "radio"]);
  const WALK_MS = 500, WALK_NODES = 50_000, LABEL = 120;
  const refs = new WeakMap();
  const elements = new Map();
  let next = 1;

  const refOf = (element) => {
    let ref = refs.get(element);
    if (!ref) {
      ref = `e${next++}`;
      refs.set(element, ref);
      elements.set(ref, new WeakRef(element));
    }
    return ref;
  };
  const short = (text) => (text ?? "").replace(/\s+/g, " ").trim().slice(0, LABEL);
  const kindOf = (element) => {
    const role = element.getAttribute("role");
    if (element.tagName === "A" && element.hasAttribute("href")) return "link";
    if (element.tagName === "BUTTON" || element.tagName === "SUMMARY") return "button";
    if (element.tagName === "INPUT") {
      if (element.type === "hidden") return null;
      if (BUTTONS.has(element.type)) return "button";
      return MARKS.has(element.type) ? element.type : "field";
    }
    if (element.tagName === "TEXTAREA") return "field";
    if (element.tagName === "SELECT") return "choice";
    if (element.isContentEditable && !element.parentElement?.isContentEditable) return "field";
    if (role === "button" || role === "link" || role === "checkbox" || role === "tab" || role === "menuitem") return "button";
    return null;
  };
  // Of a label, without those of the field inside of it.
  const wordsOf = (node) =>
    node.nodeType === 3 ? node.data : FIELDS.has(node.tagName) ? " " : [...node.childNodes].map(wordsOf).join("");
  const labelOf = (element) =>
    short(
      element.getAttribute("aria-label") ||
        [...(element.labels ?? [])].map(wordsOf).join(" ") ||
        (FIELDS.has(element.tagName) ? "" : element.innerText) ||
        (BUTTONS.has(element.type) ? element.value : "") ||
        element.getAttribute("placeholder") || element.title || element.getAttribute("alt") ||
        element.querySelector?.("img[alt]")?.alt || element.name || "",
    );
  const shown = (element) => {
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return false;
    const box = element.getBoundingClientRect();
    return box.right > 0 && box.bottom + element.ownerDocument.defaultView.scrollY > 0;
  };
  const legible = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && parseFloat(getComputedStyle(element).fontSize) >= 1;
  };
  const described = (element, kind) => {
    const item = { ref: refOf(element), kind, label: labelOf(element) };
    if (kind === "link") item.url = element.href?.baseVal ?? element.href;
    if (kind === "field") {
      item.type = element.type || "text";
      if (element.type !== "password") item.value = short(element.value ?? element.innerText);
      else item.value = element.value ? "(hidden)" : "";
    }
    if (kind === "choice") {
      item.value = short(element.selectedOptions[0]?.text);
      item.options = [...element.options].slice(0, 30).map((option) => short(option.text));
    }
    if (kind === "checkbox" || kind === "radio") item.checked = element.checked;
    if (element.disabled) item.disabled = true;
    return item;
  };

  const read = (start, limit) => {
    next = Math.max(next, start);
    const pieces = [], items = [];
    let length = 0, nodes = 0, whole = 0, cut = false, frames = 0;
    const until = performance.now() + WALK_MS;
    const add = (text) => {
      whole += text.length;
      if (length >= limit) return;
      const part = text.slice(0, limit - length);
      pieces.push(part);
      length += part.length;
    };
    const walk = (node) => {
      if (cut || ++nodes > WALK_NODES || performance.now() > until) return void (cut = true);
      if (node.nodeType === 3) {
        const text = node.data.replace(/\s+/g, " ");
        if (text.trim() && node.parentElement && legible(node.parentElement)) add(text);
        else if (text) add(" ");
        return;
      }
      if (node.nodeType !== 1 && node.nodeType !== 9 && node.nodeType !== 11) return;
      const element = node.nodeType === 1 ? node : null;
      if (element) {
        if (element.tagName === "IFRAME" || element.tagName === "FRAME") {
          if (!shown(element)) return;
          let inner = null;
          try { inner = element.contentDocument; } catch { /* another origin */ }
          if (inner?.body) { add("\n"); walk(inner.body); add("\n"); } else frames++;
          return;
        }
        if (element.tagName === "BR") return add("\n");
        if (element.tagName === "IMG") return void (element.alt && shown(element) && add(` (picture: ${short(element.alt)}) `));
        if (SKIPPED.has(element.tagName)) return;
        const display = getComputedStyle(element).display;
        if (display === "none") return;
        const contents = display === "contents";
        if (!contents && !shown(element)) return;
        const block = !contents && !display.startsWith("inline");
        if (block) add("\n");
        if (/^H[1-6]$/.test(element.tagName)) add("#".repeat(+element.tagName[1]) + " ");
        if (element.tagName === "LI") add("- ");
        const kind = kindOf(element);
        if (kind) {
          const item = described(element, kind);
          if (length < limit) items.push(item);
          if (FIELDS.has(element.tagName)) { add(` [${item.ref}] `); return; }
        }
        children(element);
        if (kind) add(` [${refOf(element)}] `);
        if (element.tagName === "TD" || element.tagName === "TH") add(" | ");
        if (block) add("\n");
        return;
      }
      children(node);
    };
    const children = (node) => {
      const inside = node.shadowRoot ?? node;
      const nodes = node.tagName === "SLOT" && node.assignedNodes().length ? node.assignedNodes() : inside.childNodes;
      for (const child of nodes) { if (cut) return; walk(child); }
    };
    if (document.body) walk(document.body);
    return { title: short(document.title), url: location.href, pieces, items, next, whole, cut, frames,
      scroll: [Math.round(scrollY), innerHeight, document.documentElement?.scrollHeight ?? 0] };
  };

  const find = (ref) => {
    const element = elements.get(ref)?.deref();
    return element?.isConnected ? element : null;
  };
  // Where to click, in pixels of the window; a word of what is wrong instead.
  const target = (ref) => {
    const element = find(ref);
    if (!element) return { wrong: "gone", refs: live() };
    if (element.disabled) return { wrong: "disabled" };
    element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const boxes = [...element.getClientRects()].filter((box) => box.width > 0 && box.height > 0);
    if (!boxes.length) return { wrong: "invisible" };
    let x = boxes[0].left + boxes[0].width / 2, y = boxes[0].top + boxes[0].height / 2;
    const own = element.getRootNode().elementFromPoint?.(x, y);
    const label = own?.closest?.("label");
    if (own && !element.contains(own) && !own.contains(element) && label?.control !== element) return { wrong: "covered" };
    for (let view = element.ownerDocument.defaultView; view.frameElement; view = view.parent) {
      const frame = view.frameElement.getBoundingClientRect();
      x += frame.left + view.frameElement.clientLeft;
      y += frame.top + view.frameElement.clientTop;
    }
    return { x, y };
  };
  const live = () => [...elements].filter(([, weak]) => weak.deref()?.isConnected).map(([ref]) => ref).slice(-200);
  const changed = (element) => {
    element.dispatchEvent(new Event("input", { bubbles: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  // Makes a field ready for typed text ("type"), or sets what is chosen ("done").
  const prepare = (ref, value) => {
    const element = find(ref);
    if (!element) return { wrong: "gone", refs: live() };
    const kind = kindOf(element);
    if (element.disabled || element.readOnly) return { wrong: "disabled" };
    if (kind === "choice") {
      const wanted = short(value).toLowerCase();
      const option = [...element.options].find((each) => short(each.text).toLowerCase() === wanted || each.value === value);
      if (!option) return { wrong: "option", options: [...element.options].slice(0, 30).map((each) => short(each.text)) };
      element.value = option.value;
      changed(element);
      return { done: true };
    }
    if (kind === "checkbox" || kind === "radio") {
      const wanted = { yes: true, on: true, true: true, no: false, off: false, false: false }[value.toLowerCase()];
      if (wanted === undefined || (kind === "radio" && !wanted)) return { wrong: "option", options: kind === "radio" ? ["yes"] : ["yes", "no"] };
      if (element.checked !== wanted) element.click();
      return { done: true };
    }
    if (kind !== "field") return { wrong: "kind", kind: kind ?? "no field" };
    if (element.type === "file") return { wrong: "kind", kind: "file" };
    if (["date", "time", "datetime-local", "month", "week", "color", "range"].includes(element.type)) {
      element.value = value;
      if (element.value !== value) return { wrong: "value", type: element.type };
      changed(element);
      return { done: true };
    }
    element.scrollIntoView({ block: "center", behavior: "instant" });
    element.focus();
    if (element.select) element.select();
    else element.ownerDocument.getSelection().selectAllChildren(element);
    return { type: true };
  };
  const submit = (ref) => {
    const element = ref ? find(ref) : null;
    if (ref && !element) return { wrong: "gone", refs: live() };
    const form = ref ? (element.form ?? element.closest("form")) : (document.activeElement?.form ?? document.activeElement?.closest("form"));
    if (!form) return { wrong: "form" };
    if (!form.reportValidity()) {
      const bad = [...form.elements].find((each) => each.validationMessage);
      return { wrong: "invalid", label: bad ? labelOf(bad) : "", ref: bad ? refOf(bad) : "" };
    }
    form.requestSubmit();
    return { done: true };
  };

  // Signals: content that changed, and scrolling. Attributes are not watched: what they change is painted.
  let changes = 0;
  const tell = () => void changes++;
  const count = () => changes;
  const watch = () => {
    new MutationObserver(tell).observe(document, { childList: true, characterData: true, subtree: true });
    document.addEventListener("scroll", tell, { capture: true, passive: true });
    document.addEventListener("input", tell, { capture: true, passive: true });
    // A caret that blinks would be a change each half second.
    const quiet = new CSSStyleSheet();
    quiet.replaceSync("* { caret-animation: manual }");
    document.adoptedStyleSheets.push(quiet);
  };
  watch();
  globalThis.browsing = { read, target, prepare, submit, count };
}
