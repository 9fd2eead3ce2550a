import { PhoneOutlined } from "@ant-design/icons";
import { useQueryClient } from "@tanstack/react-query";
import { Button, Form, Input, Segmented } from "antd";
import { useState } from "react";
import { useLocation } from "wouter";
import { api } from "../api";
import { useComplain } from "../problems";
import type { Language } from "../types";
import { useLanguage, useWords } from "../words";

/** A call begins with its number; it is sent once and never shown whole again. */
export function NewCall() {
  const words = useWords();
  const language = useLanguage();
  const client = useQueryClient();
  const complain = useComplain();
  const [, go] = useLocation();
  const [busy, setBusy] = useState(false);
  const [form] = Form.useForm<{ phone: string; language: Language }>();
  const start = async ({ phone, language: chosen }: { phone: string; language: Language }) => {
    setBusy(true);
    try {
      const call = await api.ring(phone.replace(/[^\d+]/g, ""), chosen);
      form.resetFields();
      client.setQueryData(["call", call.id], call);
      void client.invalidateQueries({ queryKey: ["calls"] });
      go(`/calls/${call.id}`);
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Form form={form} layout="vertical" className="new-call" requiredMark={false} initialValues={{ language }} onFinish={(values) => void start(values)}>
      <h2>{words.calls.new}</h2>
      <Form.Item
        name="phone"
        label={words.calls.phone}
        extra={words.calls.phoneHint}
        rules={[{ validator: (_, value: string) => (/^(\+?86)?1\d{10}$/.test((value ?? "").replace(/[\s-]/g, "")) ? Promise.resolve() : Promise.reject(new Error(words.calls.phoneBad))) }]}
        validateTrigger="onSubmit"
      >
        <Input inputMode="tel" autoComplete="off" maxLength={20} prefix={<PhoneOutlined aria-hidden />} />
      </Form.Item>
      <div className="new-call-foot">
        <Form.Item name="language" noStyle>
          <Segmented<Language> aria-label={words.calls.languageOf} options={(["zh", "en"] as Language[]).map((one) => ({ value: one, label: words.languages[one] }))} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={busy}>
          {words.calls.start}
        </Button>
      </div>
    </Form>
  );
}
