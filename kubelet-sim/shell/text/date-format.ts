const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const pad = (value: number, width = 2, fill = "0"): string => String(value).padStart(width, fill);

/** strftime in UTC and English. */
export function formatDate(format: string, ms: number): string {
  const date = new Date(ms);
  return format.replace(/%([%a-zA-Z])/g, (whole, letter: string) => formatField(letter, date, ms) ?? whole);
}

function formatField(letter: string, date: Date, ms: number): string | undefined {
  const hour = date.getUTCHours();
  const day = DAYS[date.getUTCDay()] ?? "";
  const month = MONTHS[date.getUTCMonth()] ?? "";
  const time = `${pad(hour)}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
  const fields: Readonly<Record<string, string>> = {
    "%": "%",
    Y: String(date.getUTCFullYear()),
    y: pad(date.getUTCFullYear() % 100),
    m: pad(date.getUTCMonth() + 1),
    d: pad(date.getUTCDate()),
    e: pad(date.getUTCDate(), 2, " "),
    H: pad(hour),
    I: pad(hour % 12 || 12),
    M: pad(date.getUTCMinutes()),
    S: pad(date.getUTCSeconds()),
    N: pad(Math.round((ms % 1000) * 1e6), 9),
    s: String(Math.floor(ms / 1000)),
    p: hour < 12 ? "AM" : "PM",
    a: day.slice(0, 3),
    A: day,
    b: month.slice(0, 3),
    h: month.slice(0, 3),
    B: month,
    u: String(date.getUTCDay() || 7),
    w: String(date.getUTCDay()),
    Z: "UTC",
    z: "+0000",
    F: date.toISOString().slice(0, 10),
    T: time,
    X: time,
    R: time.slice(0, 5),
    D: `${pad(date.getUTCMonth() + 1)}/${pad(date.getUTCDate())}/${pad(date.getUTCFullYear() % 100)}`,
    c: `${day.slice(0, 3)} ${month.slice(0, 3)} ${pad(date.getUTCDate(), 2, " ")} ${time} ${date.getUTCFullYear()}`,
    n: "\n",
    t: "\t",
  };
  return fields[letter];
}
