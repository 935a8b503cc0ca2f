// Unpacks the browser of the npm package next to this file into the folder $TMPDIR:
// the program `run`, what it needs, and fonts. The package itself would do so only on the
// platform that it is made for.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { inflate } from "@sparticuz/chromium";

const folder = tmpdir();
const archives = ["chromium.br", "al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br"];
const packed = new URL("../bin/", import.meta.resolve("@sparticuz/chromium"));
await Promise.all(archives.map((name) => inflate(fileURLToPath(new URL(name, packed)))));

writeFileSync(
  `${folder}/fonts.conf`,
  `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>${folder}/fonts</dir>
  <cachedir>${folder}/font-cache</cachedir>
</fontconfig>
`,
);
// The last step: a `run` exists only if everything else does.
writeFileSync(
  `${folder}/run`,
  `#!/bin/sh
export LD_LIBRARY_PATH='${folder}/al2023/lib' FONTCONFIG_FILE='${folder}/fonts.conf'
exec '${folder}/chromium' "$@"
`,
  { mode: 0o755 },
);
