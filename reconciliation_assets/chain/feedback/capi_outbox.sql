/* table
grain: captured record and outcome
owner: marketing
key: [event_id]
published: true
required: [event_id, record_id, outcome, event_name, status, reason, policy_version]
words:
  outcome: outcomes_told
  status: [ready, waiting, refused, delivered, refused_by_meta, unanswered]
shares: [match_confidence]
columns:
  outcome: The rung told of
  value: Final value of a win, collected value of money; empty for the other outcomes [reporting currency]
  match_method: Weakest method among the links it rests on; empty where it rests on none
  match_confidence: Product of the confidences of the links it rests on [share]
  status: What becomes of it
  reason: Why it has that status
  told_value: Value that Meta was told [reporting currency]
  value_change: Value now less the value that Meta was told [reporting currency]
  told_at: When Meta was last told
*/
-- The outbox of the feedback to Meta: every outcome with its status and the reason. The first reason that applies is given. An
-- event sent to Meta cannot be taken back, so a value that changed since is shown as a change.
with gated as (
  select
    e.event_id,
    e.record_id,
    e.outcome,
    e.event_name,
    e.event_time,
    e.campaign_id,
    e.value,
    e.currency,
    e.consent,
    e.match_method,
    e.match_confidence,
    case
      when e.meta_lead_id is not null then 'lead_id'
      when e.click_id is not null and e.browser_id is not null then 'fbc, fbp'
      when e.click_id is not null then 'fbc'
      when e.browser_id is not null then 'fbp'
      when $capi_hashed_contacts and (e.email_key is not null or e.phone_key is not null) then 'hashed contact'
    end as identifiers,
    d.answer,
    d.value as told_value,
    d.attempted_at as told_at,
    d.answer_code,
    case
      when not e.is_valid then 'invalid_record'
      when e.is_reversed then 'reversed'
      when e.event_time is null then 'no_time'
      when e.is_consent_needed and e.consent is null then 'consent_unknown'
      when e.is_consent_needed and not e.is_consented then 'consent_refused'
      when e.meta_lead_id is null and e.click_id is null and e.browser_id is null
        and not ($capi_hashed_contacts and (e.email_key is not null or e.phone_key is not null)) then 'no_identifier'
      when e.strength > $capi_weakest_strength then 'weak_method'
      when e.match_confidence < $capi_confidence_from then 'low_confidence'
      when e.event_time < e.created_at then 'before_capture'
      when e.event_time < cast($as_of as timestamptz) - $capi_max_age_hours * interval '1' hour then 'too_old'
      when e.event_time > cast($as_of as timestamptz) - e.maturity_days * interval '1' day then 'not_mature'
    end as gate
  from feedback.outcome_events e
  left join feedback.capi_deliveries d on d.event_id = e.event_id
)
select
  g.event_id,
  g.record_id,
  g.outcome,
  g.event_name,
  g.event_time,
  g.campaign_id,
  g.value,
  g.currency,
  g.identifiers,
  g.match_method,
  g.match_confidence,
  g.consent,
  case
    when g.answer = 'taken' then 'delivered'
    when g.answer = 'refused' then 'refused_by_meta'
    when g.answer = 'none' and g.told_at < cast($as_of as timestamptz) - 48 * interval '1' hour then 'unanswered'
    when g.gate = 'not_mature' then 'waiting'
    when g.gate is not null then 'refused'
    else 'ready'
  end as status,
  case
    when g.answer = 'taken' then 'Meta accepted it'
    when g.answer = 'refused' then 'Meta answers with error ' || g.answer_code
    when g.answer = 'none' and g.told_at < cast($as_of as timestamptz) - 48 * interval '1' hour
      then 'it was sent and no answer was noted; to send it again could count it twice'
    when g.gate = 'invalid_record' then 'the record is not valid'
    when g.gate = 'reversed' then 'it was won, but lost, cancelled or returned since'
    when g.gate = 'no_time' then 'nothing says when the outcome was reached'
    when g.gate = 'consent_unknown' then 'no consent is recorded, and the policy asks for it'
    when g.gate = 'consent_refused' then 'the recorded consent does not grant it'
    when g.gate = 'no_identifier' then 'no lead ID, click ID or browser ID of Meta is known'
    when g.gate = 'weak_method' then 'a link it rests on is weaker than the policy allows'
    when g.gate = 'low_confidence' then 'its links are less sure than the policy asks'
    when g.gate = 'before_capture' then 'the outcome is dated before the record itself'
    when g.gate = 'too_old' then 'it is older than Meta accepts'
    when g.gate = 'not_mature' then 'it is not mature yet'
    else 'it goes out with the next send'
  end as reason,
  g.told_value,
  case when g.answer = 'taken' then coalesce(g.value, 0) - coalesce(g.told_value, 0) end as value_change,
  g.told_at,
  $policy_version as policy_version
from gated g
