import { LockOutlined, TranslationOutlined, UserOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Alert, Button, Divider, Form, Input } from "antd";
import { useEffect, useState } from "react";
import { api } from "./api";
import type { Choices } from "./Desk";
import { Logo } from "./parts/Logo";
import { sentenceOf } from "./problems";
import type { Me } from "./types";
import { useLanguage, useWords } from "./words";

/** Name and password, or the company's single sign-on where it is set up. */
export function SignIn({ choices, ended, entered }: { choices: Choices; ended: boolean; entered: (me: Me) => void }) {
  const words = useWords();
  const language = useLanguage();
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);
  const ways = useQuery({ queryKey: ["ways"], queryFn: api.ways, staleTime: 60_000 });
  useEffect(() => {
    document.title = words.page(words.sign.title);
  }, [words]);
  const submit = async ({ username, password }: { username: string; password: string }) => {
    setBusy(true);
    setFault("");
    try {
      entered(await api.signIn(username.trim(), password));
    } catch (error) {
      setFault(sentenceOf(error, words, language));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <div className="sign-in-top">
          <Logo />
          <Button type="text" size="small" icon={<TranslationOutlined aria-hidden />} onClick={() => choices.setLanguage(language === "zh" ? "en" : "zh")} lang={language === "zh" ? "en" : "zh-CN"}>
            {language === "zh" ? "English" : "中文"}
          </Button>
        </div>
        <h1>{words.sign.title}</h1>
        <p className="lead">{words.sign.lead}</p>
        {ended && <Alert type="info" showIcon title={words.sign.ended} className="sign-in-note" />}
        {fault && <Alert type="error" showIcon title={fault} className="sign-in-note" role="alert" />}
        {ways.data?.password !== false && (
          <Form layout="vertical" requiredMark={false} onFinish={(values: { username: string; password: string }) => void submit(values)}>
            <Form.Item name="username" label={words.sign.name} rules={[{ required: true, message: words.sign.nameMissing }]}>
              <Input prefix={<UserOutlined aria-hidden />} autoComplete="username" autoFocus size="large" autoCapitalize="none" spellCheck={false} />
            </Form.Item>
            <Form.Item name="password" label={words.sign.password} rules={[{ required: true, message: words.sign.passwordMissing }]}>
              <Input.Password prefix={<LockOutlined aria-hidden />} autoComplete="current-password" size="large" />
            </Form.Item>
            <Button type="primary" htmlType="submit" size="large" block loading={busy}>
              {words.sign.submit}
            </Button>
          </Form>
        )}
        {ways.data?.oidc && (
          <>
            {ways.data.password && <Divider plain>{words.sign.or}</Divider>}
            <Button size="large" block href={ways.data.oidc.url}>
              {words.sign.oidc(ways.data.oidc.name)}
            </Button>
          </>
        )}
        {ways.data?.sandbox && <p className="sign-in-sandbox">{words.sign.sandbox}</p>}
      </div>
    </main>
  );
}
