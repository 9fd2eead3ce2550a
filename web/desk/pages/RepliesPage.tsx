import { DeleteOutlined, EditOutlined, PlusOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Form, Input, Modal, Popconfirm, Skeleton, Tag } from "antd";
import { useState } from "react";
import { api, DeskProblem } from "../api";
import { day } from "../format";
import { Failed } from "../parts/Failed";
import { useComplain } from "../problems";
import { useMe } from "../session";
import type { Canned, CannedList, Language } from "../types";
import { said, useLanguage, useWords } from "../words";

interface Fields {
  name: string;
  topic: string;
  title_zh: string;
  title_en: string;
  text_zh: string;
  text_en: string;
}

function Editor({ one, list, close }: { one: Canned | "new"; list: CannedList; close: () => void }) {
  const words = useWords();
  const language = useLanguage();
  const client = useQueryClient();
  const complain = useComplain();
  const { message } = App.useApp();
  const [busy, setBusy] = useState(false);
  const [at, setAt] = useState<Language>("zh");
  const [form] = Form.useForm<Fields>();
  const now = one === "new" ? null : one;
  // What everybody has is kept by its key, so that it is named in the reader's language; another topic as it was written.
  const topicOf = (text: string) => Object.entries(words.replies.topics).find(([key, title]) => [key, title.toLowerCase()].includes(text.toLowerCase()))?.[0] ?? text;
  const initial: Fields = { name: now?.name ?? "", topic: words.replies.topics[now?.topic ?? "general"] ?? now?.topic ?? "", title_zh: now?.title.zh ?? "", title_en: now?.title.en ?? "", text_zh: now?.texts.zh ?? "", text_en: now?.texts.en ?? "" };
  const save = async (values: Fields) => {
    setBusy(true);
    try {
      await api.saveCanned(now?.id ?? null, { ...(now ? {} : { name: values.name.trim() }), topic: topicOf(values.topic.trim()), title: { zh: values.title_zh, en: values.title_en }, texts: { zh: values.text_zh, en: values.text_en } });
      void message.success(words.replies.saved);
      void client.invalidateQueries({ queryKey: ["canned"] });
      close();
    } catch (error) {
      const unknown = error instanceof DeskProblem && error.code === "unknown_variable" ? (error.more.variables as string[] | undefined) : undefined;
      if (unknown) void message.error(words.replies.unknown(unknown.join(", ")));
      else complain(error);
    } finally {
      setBusy(false);
    }
  };
  const insert = (name: string) => {
    const field = at === "zh" ? "text_zh" : "text_en";
    form.setFieldValue(field, `${String(form.getFieldValue(field) ?? "")}{${name}}`);
  };
  const required = [{ required: true, whitespace: true, message: words.replies.required }];
  const text = (lang: Language) => (
    <div className="editor-side" key={lang} lang={lang === "zh" ? "zh-CN" : "en"}>
      <Form.Item name={`title_${lang}`} label={lang === "zh" ? words.replies.titleZh : words.replies.titleEn} rules={required}>
        <Input maxLength={lang === "zh" ? 40 : 80} />
      </Form.Item>
      <Form.Item name={`text_${lang}`} label={lang === "zh" ? words.replies.textZh : words.replies.textEn} rules={required}>
        <Input.TextArea rows={6} maxLength={lang === "zh" ? 1000 : 2000} onFocus={() => setAt(lang)} />
      </Form.Item>
    </div>
  );
  return (
    <Modal open width={760} title={now ? said(now.title, language, now.name) : words.replies.add} onCancel={close} okText={words.replies.save} cancelText={words.replies.cancel} onOk={form.submit} confirmLoading={busy}>
      <Form form={form} layout="vertical" initialValues={initial} onFinish={(values) => void save(values)} requiredMark={false}>
        <div className="editor">
          <Form.Item name="name" label={words.replies.name} extra={words.replies.nameHint} rules={now ? [] : [{ required: true, pattern: /^[a-z0-9_]{1,60}$/, message: words.replies.nameHint }]}>
            <Input maxLength={60} autoCapitalize="none" disabled={now !== null} />
          </Form.Item>
          <Form.Item name="topic" label={words.replies.topic} rules={required}>
            <Input maxLength={40} />
          </Form.Item>
          {(["zh", "en"] as Language[]).map(text)}
        </div>
        <p className="quiet">{words.replies.variables}</p>
        <p className="variables">
          {list.variables.map((one_) => (
            <button type="button" key={one_.name} className="chip chip--button" onMouseDown={(event) => event.preventDefault()} onClick={() => insert(one_.name)} title={`{${one_.name}}`}>
              {said(one_.title, language, one_.name)}
            </button>
          ))}
        </p>
      </Form>
    </Modal>
  );
}

/** The ready sentences of the desk; supervisors edit them. */
export default function RepliesPage() {
  const words = useWords();
  const language = useLanguage();
  const me = useMe();
  const client = useQueryClient();
  const complain = useComplain();
  const { message } = App.useApp();
  const [open, setOpen] = useState<Canned | "new" | null>(null);
  const canned = useQuery({ queryKey: ["canned"], queryFn: () => api.canned() });
  const drop = async (one: Canned) => {
    try {
      await api.dropCanned(one.id);
      void message.success(words.replies.dropped);
      void client.invalidateQueries({ queryKey: ["canned"] });
    } catch (error) {
      complain(error);
    }
  };
  return (
    <div className="page">
      <header className="page-head">
        <div>
          <h1>{words.replies.title}</h1>
          <p className="lead">
            {words.replies.lead} {!me.supervisor && words.replies.readOnly}
          </p>
        </div>
        {me.supervisor && (
          <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => setOpen("new")} disabled={!canned.data}>
            {words.replies.add}
          </Button>
        )}
      </header>
      {canned.isPending && <Skeleton active title={false} />}
      {canned.isError && <Failed again={() => void canned.refetch()} />}
      <ul className="replies">
        {canned.data?.items.map((one) => (
          <li className="box" key={one.id}>
            <h2>
              {said(one.title, language, one.name)} <code>/{one.name}</code> <Tag>{words.replies.topics[one.topic] ?? one.topic}</Tag>
              {me.supervisor && (
                <span className="replies-acts">
                  <Button size="small" type="text" icon={<EditOutlined aria-hidden />} aria-label={`${words.replies.edit} ${one.name}`} title={words.replies.edit} onClick={() => setOpen(one)} />
                  <Popconfirm title={words.replies.dropSure} okText={words.replies.drop} cancelText={words.replies.cancel} okButtonProps={{ danger: true }} onConfirm={() => void drop(one)}>
                    <Button size="small" type="text" danger icon={<DeleteOutlined aria-hidden />} aria-label={`${words.replies.drop} ${one.name}`} title={words.replies.drop} />
                  </Popconfirm>
                </span>
              )}
            </h2>
            <p lang="zh-CN">{one.texts.zh}</p>
            <p lang="en">{one.texts.en}</p>
            <p className="quiet">{one.updated_by ? words.replies.updated(day(one.updated_at, language), one.updated_by) : words.replies.builtIn}</p>
          </li>
        ))}
      </ul>
      {open && canned.data && <Editor one={open} list={canned.data} close={() => setOpen(null)} />}
    </div>
  );
}
