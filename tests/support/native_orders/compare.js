// The order of node-semver, strict; SEMVER names its folder.
const semver = require(process.env.SEMVER);
const lines = require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1);
const sign = (line) => {
  const [a, b] = line.split("\t");
  try {
    return "<=>"[semver.compare(a, b) + 1];
  } catch {
    return "?";
  }
};
console.log(lines.map(sign).join("\n"));
