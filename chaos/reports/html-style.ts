/** Readable by day and by night; no font, no image, nothing from elsewhere. */
export const STYLE = `
:root{color-scheme:light dark;--bg:#fff;--fg:#1d2330;--dim:#667085;--line:#d9dde5;--panel:#f5f6f9;--ok:#4c9f70;--bad:#d1383d;--warn:#d9a21b;--fault:#8a5cd1;--band:rgba(138,92,209,.10);--wait:#a9b1bf;--blue:#2f6fde}
@media(prefers-color-scheme:dark){:root{--bg:#14171d;--fg:#e6e9ef;--dim:#98a2b3;--line:#333a46;--panel:#1c2028;--ok:#58b982;--bad:#f0676b;--warn:#e0b341;--fault:#a98be6;--band:rgba(169,139,230,.13);--wait:#6b7484;--blue:#7aa7f7}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1280px;padding:24px;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 8px}
code,pre,.mono{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px}
pre{background:var(--panel);padding:10px 12px;border-radius:6px;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}
.badge{display:inline-block;padding:1px 10px;border-radius:10px;color:#fff;font-weight:600;font-size:14px;vertical-align:2px}
.badge.held{background:var(--ok)}.badge.violated{background:var(--bad)}.badge.other{background:var(--dim)}
.dim{color:var(--dim)}.bad{color:var(--bad)}.good{color:var(--ok)}
ul{padding-left:20px;margin:6px 0}li{margin:3px 0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-size:14px}th,td{text-align:left;padding:4px 10px 4px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{color:var(--dim);font-weight:500}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.picture{overflow-x:auto;border:1px solid var(--line);border-radius:8px;padding:6px}
svg{display:block;width:100%;min-width:860px;height:auto}
svg text{fill:var(--fg);font:11px system-ui,sans-serif}svg text.lane{font-weight:600;font-size:12px}svg text.dim{fill:var(--dim)}
.grid{stroke:var(--line);stroke-width:.5}.band{fill:var(--band)}
.fault{fill:var(--fault)}.fault.hollow{fill:none;stroke:var(--fault);stroke-width:1.5}.fault.unhealed{stroke:var(--bad);stroke-width:2}
.ok{fill:var(--ok)}.failed{fill:var(--bad)}.latency{fill:none;stroke:var(--blue);stroke-width:1.2}
.change{stroke:var(--blue);fill:var(--blue);stroke-width:1.3}.change.late{stroke:var(--bad);fill:var(--bad)}.change path{fill:none}
.pending{fill:var(--wait)}.unready{fill:var(--warn)}.ready{fill:var(--ok)}.lost{fill:var(--bad)}.going{fill:var(--wait);stroke:var(--fg);stroke-width:.6;stroke-dasharray:2 2}
.holds{fill:var(--ok)}.violated{fill:var(--bad)}.violation{fill:var(--bad);stroke:var(--bg)}
.moment line{stroke:var(--bad);stroke-width:1;stroke-dasharray:3 3;opacity:.35}.moment text{fill:var(--bad);opacity:0}
.moment:target line{stroke-width:2;stroke-dasharray:none;opacity:1}.moment:target text{opacity:1}
a{color:var(--blue)}details>summary{cursor:pointer;color:var(--dim)}
`.trim();
