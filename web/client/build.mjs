// Builds src/ into ../static/, with a tag of each file's content in the links to it. `sources` in build.json lets a
// test without Node tell whether the built files are current.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const link = async (name) => `/static/${name}?v=${sha256(await readFile(join(out, name))).slice(0, 16)}`;

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  absWorkingDir: here,
  legalComments: "none",
  logLevel: "warning",
};

await mkdir(out, { recursive: true });
await build({ ...common, entryPoints: ["src/meter_worklet.ts"], outfile: join(out, "meter.js") });
const app = await build({
  ...common,
  entryPoints: ["src/page.ts"],
  outfile: join(out, "app.js"),
  define: { METER_URL: JSON.stringify(await link("meter.js")) },
  metafile: true,
});
await build({ ...common, entryPoints: ["src/page.css"], outfile: join(out, "app.css") });

let html = await readFile(join(here, "src", "index.html"), "utf8");
for (const name of ["app.js", "app.css"]) html = html.replaceAll(`{{${name}}}`, await link(name));
await writeFile(join(out, "index.html"), html);
await writeFile(join(out, "THIRD-PARTY.txt"), await licences(app.metafile));
await writeFile(join(out, "build.json"), `${JSON.stringify({ sources: await sources() }, null, 2)}\n`);

/** Names, versions and licence texts of the packages whose code is in app.js. */
async function licences(metafile) {
  const used = Object.values(metafile.outputs).flatMap((output) =>
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
  return `app.js contains code of these packages.\n\n${notices.join("\n\n")}`;
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
