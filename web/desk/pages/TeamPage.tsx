import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Badge, Checkbox, Skeleton } from "antd";
import { api } from "../api";
import { Failed } from "../parts/Failed";
import { Grid } from "../parts/Grid";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Agent, Language } from "../types";
import { useWords } from "../words";

const BADGES = { available: "success", away: "warning", offline: "default" } as const;

/** Who is here and how much they carry; supervisors say whose talks somebody takes. */
export default function TeamPage() {
  const words = useWords();
  const me = useMe();
  const client = useQueryClient();
  const complain = useComplain();
  const { message } = App.useApp();
  const agents = useQuery({ queryKey: ["agents"], queryFn: api.agents, refetchInterval: 15_000 });
  const set = async (one: Agent, languages: Language[]) => {
    try {
      await api.setLanguages(one.username, languages);
      void message.success(words.team.saved);
    } catch (error) {
      complain(error);
    }
    void client.invalidateQueries({ queryKey: ["agents"] });
  };
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{words.team.title}</h1>
          <p className="lead">{words.team.lead}</p>
        </div>
      </header>
      {agents.isPending && <Skeleton active title={false} />}
      {agents.isError && <Failed again={() => void agents.refetch()} />}
      {agents.data && (
        <section className="box" aria-label={words.team.title}>
          <Grid
            rows={agents.data}
            keyOf={(one) => one.username}
            columns={[
              { title: words.team.name, cell: (one) => <><b>{one.name}</b> <span className="quiet">{one.username}</span></> },
              { title: words.team.role, cell: (one) => words.roles[one.role] },
              { title: words.team.status, cell: (one) => <Badge status={BADGES[one.status]} text={words.presence[one.status]} /> },
              { title: words.team.talks, number: true, cell: (one) => one.talks },
              { title: words.team.calls, number: true, cell: (one) => one.calls },
              {
                title: words.team.languages,
                cell: (one) => (
                  <Checkbox.Group
                    aria-label={`${words.team.languages} ${one.name}`}
                    disabled={!me.supervisor}
                    value={one.languages}
                    options={(["zh", "en"] as Language[]).map((value) => ({ value, label: words.languages[value] }))}
                    onChange={(chosen) => chosen.length > 0 && void set(one, chosen as Language[])}
                  />
                ),
              },
            ]}
          />
        </section>
      )}
    </div>
  );
}
