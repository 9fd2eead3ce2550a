import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Badge, Form, Input, Modal, Select } from "antd";
import { useState } from "react";
import { api } from "../api";
import { tell } from "../live/stream";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Chat, Language } from "../types";
import { useWords } from "../words";

/** Gives a talk to a colleague, or back to the queue (in another language, if that is what it needs). */
export function TransferDialog({ chat, open, close }: { chat: Chat; open: boolean; close: () => void }) {
  const words = useWords();
  const me = useMe();
  const client = useQueryClient();
  const complain = useComplain();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const [form] = Form.useForm<{ to: string; language: Language; note: string }>();
  const to = Form.useWatch("to", form);
  const agents = useQuery({ queryKey: ["agents"], queryFn: api.agents, enabled: open, staleTime: 0 });
  const others = (agents.data ?? []).filter((one) => one.username !== chat.agent && one.status !== "offline");
  const submit = async (values: { to: string; language: Language; note?: string }) => {
    setBusy(true);
    try {
      tell(client, await api.transfer(chat.id, { to: values.to, language: values.to === "queue" ? values.language : undefined, note: values.note?.trim() || undefined }), me.username);
      void message.success(words.talk.transferred);
      close();
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal open={open} title={words.transfer.title} onCancel={close} okText={words.transfer.submit} cancelText={words.transfer.cancel} onOk={form.submit} confirmLoading={busy} destroyOnHidden>
      <Form form={form} layout="vertical" initialValues={{ to: "queue", language: chat.language }} onFinish={(values) => void submit(values)} requiredMark={false}>
        <Form.Item name="to" label={words.transfer.to}>
          <Select
            options={[
              { value: "queue", label: words.transfer.queue },
              ...others.map((one) => ({
                value: one.username,
                label: (
                  <span className="colleague">
                    <Badge status={one.status === "available" ? "success" : "warning"} /> {one.name} <small className="quiet">{words.transfer.load(one.talks, one.calls)} · {one.languages.map((each) => words.languageShort[each]).join(" ")}</small>
                  </span>
                ),
              })),
            ]}
          />
        </Form.Item>
        {to === "queue" && (
          <Form.Item name="language" label={words.transfer.language}>
            <Select options={(["zh", "en"] as Language[]).map((one) => ({ value: one, label: words.languages[one] }))} />
          </Form.Item>
        )}
        <Form.Item name="note" label={words.transfer.note}>
          <Input.TextArea rows={3} maxLength={1000} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
