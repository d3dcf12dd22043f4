// Builds src/ into ../static/ (or the folder $OUT): app.js with the page, firstword.js with the library, load.js with the
// load page, and what they share in chunks. Links carry a tag of their file's content as `?v=`; a chunk has it in its name.
// `sources` in build.json lets a test without Node tell whether the built files are current.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.env.OUT ?? join(here, "..", "static"));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const tag = async (name) => sha256(await readFile(join(out, name))).slice(0, 16);
const link = async (name) => `/static/${name}?v=${await tag(name)}`;
/** Those of `entries` whose source is there. */
const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, source]) => existsSync(join(here, source))));

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  absWorkingDir: here,
  outdir: out,
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
};

await mkdir(out, { recursive: true });
const before = await builtBefore();
const meter = await build({ ...common, entryPoints: { meter: "src/lib/audio/meterWorklet.ts" } });
const scripts = await build({
  ...common,
  entryPoints: present({ app: "src/page/main.ts", firstword: "src/lib/index.ts", load: "src/load/main.ts" }),
  // What is imported when it is needed (livekit-client) stays out of the files that the first paint waits for.
  splitting: true,
  chunkNames: "[name]-[hash]",
  define: { METER_URL: JSON.stringify(await link("meter.js")) },
});
const styles = await build({
  ...common,
  entryPoints: present({ app: "src/page/page.css", load: "src/load/load.css" }),
});

const outputs = { ...meter.metafile.outputs, ...scripts.metafile.outputs, ...styles.metafile.outputs };
const names = Object.keys(outputs).map((path) => basename(path));
for (const [name, source] of Object.entries(present({ "index.html": "src/page/index.html", "load.html": "src/load/index.html" }))) {
  await writeFile(join(out, name), await page(await readFile(join(here, source), "utf8")));
  names.push(name);
}
await writeFile(join(out, "THIRD-PARTY.txt"), await licences());
names.push("THIRD-PARTY.txt");
const files = {};
for (const name of names.sort()) files[name] = await tag(name);
await writeFile(join(out, "build.json"), `${JSON.stringify({ sources: await sources(), files }, null, 2)}\n`);
// A chunk of an earlier build has another name.
for (const name of before) if (!names.includes(name)) await rm(join(out, name), { force: true });

/** The page with links instead of {{names}}, and with what its scripts always need asked for beside them. */
async function page(html) {
  const wanted = [...html.matchAll(/\{\{([\w.]+)\}\}/g)].map(([, name]) => name);
  const preloads = new Set();
  for (const name of wanted) {
    for (const chunk of always(name)) preloads.add(`    <link rel="modulepreload" href="/static/${chunk}">\n`);
    html = html.replaceAll(`{{${name}}}`, await link(name));
  }
  return html.replace(/^ *<\/head>/m, (end) => [...preloads].join("") + end);
}

/** The chunks that `name` imports before it runs, and those that they import. */
function always(name, found = new Set()) {
  const output = Object.entries(outputs).find(([path]) => basename(path) === name)?.[1];
  for (const { path, kind } of output?.imports ?? []) {
    const chunk = basename(path);
    if (kind !== "import-statement" || found.has(chunk)) continue;
    found.add(chunk);
    always(chunk, found);
  }
  return found;
}

/** Names, versions and licence texts of the packages whose code is in the scripts. */
async function licences() {
  const used = Object.values(scripts.metafile.outputs).flatMap((output) =>
    Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path),
  );
  const packages = new Set(
    used.map((path) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]).filter((path) => path !== undefined),
  );
  // livekit-client is itself a bundle: what it depends on is in its file.
  for (const folder of packages) {
    const { dependencies = {} } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    for (const name of Object.keys(dependencies)) if (!name.startsWith("@types/")) packages.add(`node_modules/${name}`);
  }
  const notices = [];
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(here, folder, "package.json"), "utf8"));
    const file = (await readdir(join(here, folder))).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file ? (await readFile(join(here, folder, file), "utf8")).trim() : `Licence: ${license}`;
    notices.push(`${name} ${version} (${license})\n${"-".repeat(72)}\n${text}\n`);
  }
  return `The scripts contain code of these packages.\n\n${notices.join("\n\n")}`;
}

/** Names of the files that the last build into this folder made. */
async function builtBefore() {
  try {
    return Object.keys(JSON.parse(await readFile(join(out, "build.json"), "utf8")).files ?? {});
  } catch {
    return [];
  }
}

/** SHA-256 over path and content of everything that the built files are made of. */
async function sources() {
  const files = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"];
  for (const entry of await readdir(join(here, "src"), { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) files.push(relative(here, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
  }
  const digest = createHash("sha256");
  for (const file of files.sort()) digest.update(`${file}\n${sha256(await readFile(join(here, file)))}\n`);
  return digest.digest("hex");
}
