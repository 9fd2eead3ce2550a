import { useQuery } from "@tanstack/react-query";
import { Modal, Skeleton, Typography } from "antd";
import { api } from "../api";
import { Failed } from "../parts/Failed";
import { useWords } from "../words";

/** What a speech recogniser needs to send this call's lines. */
export function FeedDialog({ id, open, close }: { id: string; open: boolean; close: () => void }) {
  const words = useWords();
  const feed = useQuery({ queryKey: ["feed", id], queryFn: () => api.feed(id), enabled: open, staleTime: Infinity, gcTime: 0, retry: false });
  const copyable = { tooltips: [words.calls.copy, words.calls.copied] };
  return (
    <Modal open={open} onCancel={close} footer={null} title={words.calls.feed} destroyOnHidden>
      <p>{words.calls.feedLead}</p>
      {feed.isPending && <Skeleton active title={false} />}
      {feed.isError && <Failed again={() => void feed.refetch()} />}
      {feed.data && (
        <dl className="facts">
          <dt>{words.calls.feedUrl}</dt>
          <dd>
            <Typography.Text code copyable={copyable}>{feed.data.url}</Typography.Text>
          </dd>
          <dt>{words.calls.feedSocket}</dt>
          <dd>
            <Typography.Text code copyable={copyable}>{feed.data.socket}</Typography.Text>
          </dd>
          <dt>{words.calls.feedToken}</dt>
          <dd>
            <Typography.Text code copyable={{ ...copyable, text: feed.data.token }}>{feed.data.token.slice(0, 12)}…</Typography.Text>
          </dd>
        </dl>
      )}
    </Modal>
  );
}
