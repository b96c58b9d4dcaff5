"use strict";
// The report as a page to work with. The same script reads the details that the file carries, or asks the server for them.
(() => {
  const details = JSON.parse(document.getElementById("details").textContent);
  const { words, marks, lines, links } = details;
  const campaignNames = new Map(details.campaigns);
  const monthNames = new Map(details.months);
  const find = (id) => document.getElementById(id);
  const said = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  /** An element; strings are its text, never markup. */
  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  const grouped = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, marks.group);
  /** Latin digits as the policy's numerals. */
  const numerals = (text) => text.replace(/\d/g, (digit) => String.fromCharCode(marks.nought.charCodeAt(0) + Number(digit)));
  const count = (number) => numerals(grouped(String(number)));

  /** Thousandths as money, rounded half-even to the currency's decimals. */
  function money(thousandths) {
    let units = Math.abs(thousandths);
    if (marks.digits === 2) {
      const rest = units % 10;
      units = (units - rest) / 10;
      if (rest > 5 || (rest === 5 && units % 2)) units += 1;
    }
    const text = String(units).padStart(marks.digits + 1, "0");
    const sign = thousandths < 0 && units ? marks.minus : "";
    return sign + numerals(grouped(text.slice(0, -marks.digits)) + marks.decimal + text.slice(-marks.digits));
  }

  /** Text that keeps its own direction within a page of the other; elements as they are. */
  const isolated = (cell) => (typeof cell === "string" ? make("bdi", {}, cell) : cell ?? "");

  async function asked(path, options) {
    const answer = await fetch(path, options).catch(() => {
      throw new Error(words.failed);
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  /** A table that becomes cards on a phone. Columns are [heading, is a figure]; cells are text or elements. */
  function table(columns, rows, total) {
    const cells = (row) =>
      row.map((cell, at) =>
        at === 0
          ? make("th", { scope: "row" }, isolated(cell))
          : make("td", { "data-label": columns[at][0], class: columns[at][1] ? "n" : "" }, isolated(cell)),
      );
    const head = columns.map(([name, isFigure]) => make("th", { scope: "col", class: isFigure ? "n" : "" }, name));
    return make("table", { class: "cards" }, make("thead", {}, make("tr", {}, ...head)),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row))),
        total ? make("tr", { class: "end" }, ...cells(total)) : null));
  }

  // Filters: a select's "*" is everything, "" what says nothing.
  const form = find("filters");
  const filter = (name) => form.elements[name].value;
  const bySegment = () => filter("market") !== "*" || filter("offer") !== "*";
  const SUM = ["month", "campaign", "market", "offer"];

  function isWanted(values) {
    return SUM.every((name, at) => {
      const wanted = filter(name);
      if (name === "campaign" && wanted === "*") return values[at] !== null;
      return wanted === "*" || (values[at] ?? (name === "campaign" ? "" : null)) === wanted;
    });
  }

  function fillFilters() {
    const options = {
      campaign: details.campaigns.map(([id, name]) => [id ?? "", id === null ? words.no_campaign : name]),
      month: details.months,
    };
    for (const [name, at] of [["market", 2], ["offer", 3]]) {
      const values = [...new Set(details.sums.map((sum) => sum[at]).filter((value) => value !== null))].sort();
      options[name] = values.map((value) => [value, value || words.none_said]);
      form.elements[name].closest("label").hidden = values.length < 2;
    }
    for (const [name, choices] of Object.entries(options)) {
      const all = name === "campaign" ? words.all_campaigns : words.every;
      form.elements[name].append(...[["*", all], ...choices].map(([value, text]) => make("option", { value }, text)));
    }
    form.addEventListener("change", () => {
      drawBridge();
      if (opened) openLine(opened);
    });
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
  }

  // The bridge for what is filtered, summed from the sums.
  let opened = null;
  const totals = new Map();

  function drawBridge() {
    totals.clear();
    for (const [month, campaign, market, offer, line, amount, records, entries] of details.sums) {
      if (!isWanted([month, campaign, market, offer])) continue;
      const total = totals.get(line) ?? { amount: 0, records: 0, entries: 0 };
      totals.set(line, { amount: total.amount + amount, records: total.records + records, entries: total.entries + entries });
    }
    const segmented = bySegment();
    find("by-segment").hidden = !segmented;
    let level = 0;
    const spans = [];
    for (const row of document.querySelectorAll("tr[data-line]")) {
      const { line, whole } = row.dataset;
      row.hidden = segmented ? whole === "only" : line === "stated";
      if (row.hidden) continue;
      const total = totals.get(line) ?? { amount: 0, records: 0, entries: 0 };
      row.querySelector(".amount").textContent = money(total.amount);
      row.querySelector(".records").textContent = count(total.records);
      const begin = row.classList.contains("end") ? 0 : level;
      level = begin + total.amount;
      spans.push([row, Math.min(begin, level), Math.max(begin, level), total.amount]);
    }
    const lowest = Math.min(...spans.map((span) => span[1]));
    const width = Math.max(...spans.map((span) => span[2])) - lowest || 1;
    for (const [row, low, high, amount] of spans) {
      const bar = row.querySelector("rect");
      bar.setAttribute("x", (1000 * (low - lowest)) / width);
      bar.setAttribute("width", Math.max((1000 * (high - low)) / width, 1.5));
      if (!row.classList.contains("end")) bar.setAttribute("class", amount < 0 ? "loss" : "gain");
    }
  }

  async function entriesOf(line, skip) {
    if (!details.live) {
      const wanted = (details.entries[line] ?? []).filter(([, , month, campaign, market, offer]) => isWanted([month, campaign, market, offer]));
      return wanted.slice(skip, skip + details.per_page);
    }
    const query = new URLSearchParams({ line, skip });
    for (const name of SUM) if (filter(name) !== "*") query.set(name, filter(name));
    return asked(`entries?${query}`);
  }

  /** The entries behind a line, a page at a time. */
  async function openLine(line) {
    opened = line;
    const place = find("entries");
    place.replaceChildren();
    place.hidden = false;
    const total = totals.get(line) ?? { amount: 0, entries: 0 };
    const status = make("p", { class: "soft", role: "status" });
    const body = make("div", {});
    const more = make("button", { type: "button", click: next }, words.more);
    const close = make("button", { type: "button", click: () => { opened = null; place.hidden = true; } }, words.close);
    const shown = [];
    place.append(make("h3", {}, lines[line]), status, body, make("p", {}, more, " ", close));
    async function next() {
      const found = await entriesOf(line, shown.length);
      if (opened !== line || !place.contains(body)) return;
      shown.push(...found);
      const rows = shown.map(([record, day, , campaign, , , amount, why, order]) => [
        record ? recordButton(record) : words.month_and_campaign,
        make("bdi", { class: "day", dir: "ltr" }, day), campaignNames.get(campaign) ?? campaign ?? words.no_campaign, money(amount), why, order,
      ]);
      const columns = [[words.record], [words.day], [words.campaign], [words.amount, true], [words.why], [words.order]];
      body.replaceChildren(shown.length ? table(columns, rows) : words.no_entries);
      status.textContent = said(words.entries, { shown: count(shown.length), all: count(total.entries), amount: money(total.amount) });
      const isCut = !details.live && found.length < details.per_page && shown.length < total.entries;
      if (isCut) status.textContent += ` ${said(words.in_workbook, { most: count(details.most) })}`;
      more.hidden = found.length < details.per_page || shown.length >= total.entries;
    }
    await next();
    place.scrollIntoView({ block: "nearest" });
  }

  const PAYMENT_COLUMNS = [[words.payment], [words.kind], [words.day], [words.amount, true], [words.fee, true], [words.collected_value, true], [words.closes], [words.closing, true]];
  const recordButton = (id) => make("button", { type: "button", class: "name", click: () => openRecord(id) }, id);

  /** A record's card: what it is, its chain from ad to cash, and how its stated value became collected money. */
  async function openRecord(id) {
    const card = find("record");
    const record = details.live ? await asked(`record?${new URLSearchParams({ id })}`) : details.records[id];
    const close = make("button", { type: "button", autofocus: "", click: () => card.close() }, words.close);
    if (!record) {
      card.replaceChildren(make("p", {}, words.not_found), close);
      return card.showModal();
    }
    const facts = make("dl", { class: "facts" });
    const add = (name, text) => text && facts.append(make("div", {}, make("dt", {}, words[name]), make("dd", { dir: "auto" }, text)));
    add("campaign", campaignNames.get(record.campaign_id) ?? record.campaign_id ?? words.no_campaign);
    for (const name of ["adset_id", "ad_id", "created_at", "qualified_at", "won_at", "first_paid_at"]) add(name, record[name]);
    add("rung", words.rungs[record.rung]);
    for (const name of ["invalid_reason", "market", "offer", "language", "owner"]) add(name, record[name]);
    for (const name of ["stated_value", "final_value", "collected_value", "refunded_value"]) add(name, money(record[name]));
    const chain = record.links.map(([link, left, right, method, confidence, evidence]) => [
      links[link], left, right, words.methods[method] ?? method, confidence.toFixed(2), evidence,
      ...(details.live ? [make("button", { type: "button", click: () => decide({ link, left_id: left, right_id: right }, "reject").then((done) => done && card.close()) }, words.reject)] : []),
    ]);
    const columns = [[words.link], [words.from], [words.to], [words.method], [words.confidence, true], [words.evidence], [""]];
    const payments = record.payments.map(([id, kind, day, amount, fee, value, closes, closing]) =>
      [id, words.kinds[kind] ?? kind, make("bdi", { class: "day", dir: "ltr" }, day), amount, fee, money(value), closes, closing]);
    const steps = [
      [words.stated_value, "", money(record.stated_value)],
      ...record.entries.map(([line, amount, why, order]) => [lines[line], [why, order].filter(Boolean).join(", "), money(amount)]),
    ];
    card.replaceChildren(
      make("div", { class: "head" }, make("h3", {}, `${words.record} `, make("bdi", {}, id)), close), facts,
      make("h3", {}, words.chain), chain.length ? table(columns.slice(0, chain[0].length), chain, chain[0].map((_, at) =>
        at === 0 ? words.chain_confidence : at === 4 ? record.chain_confidence.toFixed(2) : "")) : make("p", {}, words.no_links),
      ...(payments.length ? [make("h3", {}, words.payments), table(PAYMENT_COLUMNS, payments)] : []),
      make("h3", {}, words.from_stated_to_collected),
      table([[""], [words.why], [words.amount, true]], steps, [words.collected_value, "", money(record.collected_value)]),
    );
    if (!card.open) card.showModal();
  }

  // Decisions, where the server takes them.
  const person = () => find("person").elements;

  function tell(text) {
    find("told").textContent = text;
    if (text) find("told").scrollIntoView({ block: "nearest" });
  }

  const PAIR = ["link", "left_id", "right_id"];
  const KEYS = { manual_matches: PAIR, validation_verdicts: [...PAIR, "match_method"], period_locks: ["period"] };
  const about = (table, row) => Object.fromEntries(KEYS[table].map((name) => [name, row[name]]));

  const decide = (pair, verdict) => decideOn("manual_matches", { ...about("manual_matches", pair), verdict });

  async function decideOn(table, decision) {
    const [verified_by, reason] = [person().verified_by.value.trim(), person().reason.value.trim()];
    if (!verified_by || !reason) {
      find("record").close();
      tell(words.who_and_why);
      (verified_by ? person().reason : person().verified_by).focus();
      return false;
    }
    return sent("POST", table, { ...decision, verified_by, reason });
  }

  async function sent(method, table, decision) {
    try {
      await asked(`decisions/${table}`, { method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(decision) });
      tell("");
      person().reason.value = "";
      await drawDecisions();
      return true;
    } catch (problem) {
      find("record").close();
      tell(problem.message);
      return false;
    }
  }

  async function drawDecisions() {
    const { possible, unmatched, samples, months, pending, left_out } = await asked("decisions");
    const isPending = (table, row) => pending[table].some((each) => KEYS[table].every((name) => each[name] === row[name]));
    const unless = (table, row, ...choices) => isPending(table, row)
      ? make("em", {}, words.pending)
      : make("span", { class: "choice" }, ...choices.flatMap(([name, click]) => [make("button", { type: "button", click }, name), " "]));
    const choice = (pair) => unless("manual_matches", pair,
      [words.accept, () => decide(pair, "accept")], [words.reject, () => decide(pair, "reject")]);
    const place = find("decisions");
    const put = (heading, none, columns, rows) =>
      place.append(make("h3", {}, heading), rows.length ? table(columns, rows) : make("p", {}, none));
    place.replaceChildren();
    put(words.possible, words.nothing_possible,
      [[words.link], [words.from], [words.to], [words.method], [words.confidence, true], [words.at_stake, true], [words.evidence], [words.why], [""]],
      possible.map((each) => [links[each.link], each.left_id, each.right_id, words.methods[each.match_method] ?? each.match_method,
        each.match_confidence.toFixed(2), money(each.value), each.evidence, each.reason, choice(each)]));
    put(words.unmatched, words.nothing_unmatched, [[words.payment], [words.amount, true], [words.why], [""]],
      unmatched.map((each) => [each.source_id, money(each.value), each.reason,
        pending.manual_matches.some((decided) => decided.right_id === each.source_id && decided.verdict === "accept")
          ? make("em", {}, words.pending) : belongsTo(each.source_id)]));
    put(words.samples, words.nothing_sampled,
      [[words.link], [words.from], [words.to], [words.method], [words.amount, true], [words.evidence], [""]],
      samples.map((each) => [links[each.link], each.left_id, each.right_id, each.match_method.replaceAll("_", " "), money(each.value), each.evidence,
        unless("validation_verdicts", each, ...["correct", "wrong", "unclear"].map((verdict) =>
          [words[verdict], () => decideOn("validation_verdicts", { ...about("validation_verdicts", each), verdict })]))]));
    put(words.lock_months, "", [[words.month], [words.collected_value, true], [""]],
      months.map((each) => [monthNames.get(each.period) ?? each.period, money(each.value),
        unless("period_locks", each, [each.is_locked ? words.release : words.lock, () => decideOn("period_locks",
          { period: each.period, action: each.is_locked ? "release" : "lock", signed_value: each.value })])]));
    if (left_out) place.append(make("p", { class: "soft" }, said(words.left_out, { number: count(left_out) })));
    const waiting = Object.entries(pending).flatMap(([table, rows]) => rows.map((row) => [table, row]));
    if (waiting.length)
      put(words.decided, "", [[words.link], [words.from], [words.to], [words.verdict], [words.verified_by], [words.reason], [""]],
        waiting.map(([table, each]) => [links[each.link] ?? monthNames.get(each.period) ?? each.period, each.left_id, each.right_id,
          words[each.verdict ?? each.action], each.verified_by ?? each.locked_by, each.reason ?? each.note,
          make("button", { type: "button", click: () => sent("DELETE", table, about(table, each)) }, words.take_back)]));
  }

  /** The form by which a payment is given to an order or a CRM record. */
  function belongsTo(payment) {
    const kind = make("select", { "aria-label": words.to }, make("option", { value: "order_payment" }, words.order_id), make("option", { value: "crm_payment" }, words.crm_id));
    const left = make("input", { required: "", size: "12", "aria-label": words.to });
    const take = (event) => {
      event.preventDefault();
      decide({ link: kind.value, left_id: left.value.trim(), right_id: payment }, "accept");
    };
    return make("form", { class: "choice", submit: take }, kind, " ", left, " ", make("button", {}, words.accept));
  }

  for (const name of document.querySelectorAll("tr[data-line] .name")) {
    const { line } = name.closest("tr").dataset;
    name.replaceWith(make("button", { type: "button", class: "name", click: () => openLine(line) }, name.textContent));
  }
  fillFilters();
  drawBridge();
  if (details.live) {
    window.addEventListener("unhandledrejection", (event) => tell(event.reason.message));
    find("look-up").hidden = find("decide").hidden = false;
    find("look-up").addEventListener("submit", (event) => {
      event.preventDefault();
      openRecord(find("look-up").elements.id.value.trim());
    });
    find("person").addEventListener("submit", (event) => event.preventDefault());
    drawDecisions();
  }
})();
