import { useQuery } from "@tanstack/react-query";
import { Form, Input, Modal, Radio, Skeleton } from "antd";
import { useState } from "react";
import { api, type Base } from "../api";
import { useComplain } from "../problems";
import { useLanguage, useWords } from "../words";

interface Props {
  base: Base;
  wrapUps: string[];
  open: boolean;
  close: () => void;
  end: (wrapUp: string, summary: string) => Promise<unknown>;
}

/** How it ended, with what the assistant would write: one look, one key. */
export function WrapUpDialog({ base, wrapUps, open, close, end }: Props) {
  const words = useWords();
  const language = useLanguage();
  const complain = useComplain();
  const [busy, setBusy] = useState(false);
  const [form] = Form.useForm<{ wrapUp: string; summary: string }>();
  const proposed = useQuery({ queryKey: ["summary", base.kind, base.id], queryFn: () => api.summary(base), enabled: open, staleTime: 0, gcTime: 0, retry: false });
  const ready = proposed.isSuccess || proposed.isError;
  const suggested = proposed.data?.wrap_up ?? null;
  const submit = async ({ wrapUp, summary }: { wrapUp: string; summary?: string }) => {
    setBusy(true);
    try {
      await end(wrapUp, summary?.trim() ?? "");
      close();
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal
      open={open}
      title={base.kind === "chat" ? words.ending.title : words.ending.callTitle}
      onCancel={close}
      okText={base.kind === "chat" ? words.ending.submit : words.calls.end}
      cancelText={words.ending.cancel}
      onOk={form.submit}
      confirmLoading={busy}
      okButtonProps={{ disabled: !ready }}
      destroyOnHidden
    >
      {!ready ? (
        <Skeleton active title={false} />
      ) : (
        <Form form={form} layout="vertical" requiredMark={false} initialValues={{ wrapUp: suggested ?? "solved", summary: proposed.data?.text[language] ?? "" }} onFinish={(values) => void submit(values)}>
          <Form.Item name="wrapUp" label={words.ending.wrapUp} className="wrap-ups">
            <Radio.Group
              optionType="button"
              options={wrapUps.map((code) => ({ value: code, label: (words.wrapUps[code] ?? code) + (code === suggested ? ` · ${words.ending.suggested}` : "") }))}
            />
          </Form.Item>
          <Form.Item name="summary" label={words.ending.summary} extra={words.ending.summaryHint}>
            <Input.TextArea rows={4} maxLength={2000} />
          </Form.Item>
        </Form>
      )}
    </Modal>
  );
}
