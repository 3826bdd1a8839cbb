"""Invented exports, true to the schemas of speech, Amazon, Google and call platforms."""

from __future__ import annotations

AGENT = "a1111111-0000-4000-8000-000000000001"
CALLER = "c2222222-0000-4000-8000-000000000002"
EVENT = "application/vnd.amazonaws.connect.event."
SHOWN = '{"templateType":"ListPicker","data":{"content":{"title":"Which?","elements":[{"title":"Bill"}]}}}'


def chat_item(kind, at, who=None, role=None, content=None, form="text/plain", **more):
    item = {"Id": at, "Type": kind, "AbsoluteTime": f"2024-05-01T09:00:{at}Z", "ContentType": form}
    named = {"ParticipantId": who, "ParticipantRole": role, "Content": content}
    return item | {k: v for k, v in named.items() if v is not None} | more


def spoken(who, content, start, end, **more):
    offsets = {"BeginOffsetMillis": start, "EndOffsetMillis": end}
    return {"Id": str(start), "ParticipantId": who, "Content": content, **offsets, **more}


CONTACT_LENS_VOICE = {
    "Version": "1.1.0",
    "Channel": "VOICE",
    "JobStatus": "COMPLETED",
    "CustomerMetadata": {"ContactId": "contact-1", "InstanceId": "i"},
    "ContentMetadata": {"Output": "Raw"},
    "Participants": [
        {"ParticipantId": AGENT, "ParticipantRole": "AGENT"},
        {"ParticipantId": CALLER, "ParticipantRole": "CUSTOMER"},
    ],
    "Transcript": [
        spoken(AGENT, "Acme support, how can I help?", 500, 2500),
        spoken("CUSTOMER", "My [PII] is broken.", 2400, 4000, Redaction={"RedactedTimestamps": []}),
        spoken(CALLER, "Hello?", 4100, 4600),
    ],
}
CONTACT_LENS_CHAT = {
    "Channel": "CHAT",
    "ChatTranscriptVersion": "2019-08-26",
    "JobStatus": "COMPLETED",
    "ContentMetadata": {"Output": "Redacted"},
    "CustomerMetadata": {"ContactId": "contact-2"},
    "Participants": [{"ParticipantId": AGENT, "DisplayName": "[PII]"}],
    "Transcript": [
        chat_item("EVENT", "00.000", CALLER, "CUSTOMER", form=f"{EVENT}participant.joined"),
        chat_item("MESSAGE", "01.000", "s", "SYSTEM", "You are in the queue."),
        chat_item("MESSAGE", "02.000", "b", "CUSTOM_BOT", SHOWN, f"{EVENT[:-6]}message.interactive"),
        chat_item("MESSAGE", "03.500", AGENT, "AGENT", "Hi, this is [PII].", "text/markdown", DisplayName="[PII]"),
        chat_item("MESSAGE", "05.000", CALLER, "CUSTOMER", "Where is it?", DisplayName="[PII]"),
        chat_item("ATTACHMENT", "06.000", CALLER, "CUSTOMER", Attachments=[{"AttachmentName": "bill.pdf"}]),
        chat_item("EVENT", "07.000", form=f"{EVENT}chat.ended"),
    ],
}
CONNECT_CHAT = {
    "Version": "2019-08-26",
    "InitialContactId": "contact-3",
    "ContactId": "contact-3",
    "Participants": [{"ParticipantId": AGENT}],
    "Transcript": [
        chat_item("MESSAGE", "02.000", CALLER, "CUSTOMER", "Hello", DisplayName="Bo"),
        chat_item("MESSAGE", "01.000", AGENT, "AGENT", "Welcome", DisplayName="Ann"),
    ],
}
REAL_TIME = {
    "Segments": [
        {"Utterance": spoken("AGENT", None, 0, 900, PartialContent="Good")},
        {"Transcript": spoken("AGENT", "Good morning.", 0, 1000, ParticipantRole="AGENT")},
        {"Categories": {"MatchedCategories": []}},
        {"Transcript": spoken("CUSTOMER", "Morning.", 1200, 2000, ParticipantRole="CUSTOMER")},
    ]
}
REAL_TIME_CHAT = {
    "Channel": "CHAT",
    "Status": "COMPLETED",
    "Segments": [
        {
            "Event": {
                "EventType": f"{EVENT}participant.joined",
                "Time": {"AbsoluteTime": "2024-05-01T09:00:00Z"},
            }
        },
        {
            "Transcript": {
                "ParticipantId": AGENT,
                "ParticipantRole": "AGENT",
                "Content": "Hi",
                "ContentType": "text/plain",
                "Time": {"AbsoluteTime": "2024-05-01T09:00:02Z"},
            }
        },
    ],
}
CALL_ANALYTICS = {
    "JobName": "call-4.wav",
    "JobStatus": "COMPLETED",
    "Channel": "VOICE",
    "Participants": [{"ParticipantRole": "AGENT"}, {"ParticipantRole": "CUSTOMER"}],
    "ConversationCharacteristics": {},
    "Transcript": [
        {
            "Id": "1",
            "ParticipantRole": "AGENT",
            "Content": "Hello [PII].",
            "BeginOffsetMillis": 0,
            "EndOffsetMillis": 900,
            "LoudnessScores": [70.1, None],
            "Items": [
                {"Type": "pronunciation", "Content": "Hello", "Confidence": "0.9"},
                {"Type": "pronunciation", "Content": "[PII]", "Redaction": [{"Confidence": 1.0}]},
                {"Type": "punctuation", "Content": ".", "Confidence": 0.0},
            ],
        },
        {"ParticipantRole": "CUSTOMER", "Content": "Hi.", "BeginOffsetMillis": 800, "EndOffsetMillis": 1500},
    ],
}


def word(text, start, end, **more):
    times = {"start_time": str(start), "end_time": str(end)}
    alternatives = [{"confidence": "0.8", "content": text}]
    return {**times, "alternatives": alternatives, "type": "pronunciation", **more}


def mark(text):
    return {"alternatives": [{"confidence": None, "content": text}], "type": "punctuation"}


def labelled(label, *starts):
    items = [{"start_time": str(start), "speaker_label": label} for start in starts]
    first, last = (starts or (9.5,))[0], (starts or (9.5,))[-1]
    return {"speaker_label": label, "start_time": str(first), "end_time": str(last + 0.5), "items": items}


TRANSCRIBE = {
    "jobName": "job-5",
    "status": "COMPLETED",
    "results": {
        "transcripts": [{"transcript": "Good day. Hi, it broke."}],
        "speaker_labels": {
            "segments": [labelled("spk_0", 0.5, 1.0), labelled("", 9.5), labelled("spk_1", 2.0, 2.5, 3.0)]
        },
        "items": [
            *(word("Good", 0.5, 0.9), word("day", 1.0, 1.4), mark("."), word("Hi", 2.0, 2.3), mark(",")),
            *(word("it", 2.5, 2.7), word("broke", 3.0, 3.5), mark(".")),
        ],
    },
}
TRANSCRIBE_CHANNELS = {
    "jobName": "job-6",
    "results": {
        "transcripts": [{"transcript": ""}],
        "channel_labels": {
            "channels": [
                {
                    "channel_label": "ch_0",
                    "items": [word("Yes", 0.0, 0.4), mark("?"), word("Sure", 2.0, 2.4), word("so", 6.0, 6.2)],
                },
                {"channel_label": "ch_1", "items": [word("Help", 0.8, 1.2), word("me", 1.3, 2.2)]},
            ]
        },
    },
}
TRANSCRIBE_SEGMENTS = {
    "jobName": "job-7",
    "results": {
        "transcripts": [{"transcript": "x"}],
        "items": [word("Good", 0, 1), word("Bad", 1, 2)],
        "audio_segments": [
            {
                "transcript": "Good",
                "start_time": "0",
                "end_time": "1",
                "speaker_label": "spk_0",
                "items": [0],
            },
            {"transcript": "Bad", "start_time": "1", "end_time": "2", "speaker_label": "spk_1", "items": [1]},
        ],
    },
}
BEDROCK = {
    "metadata": {"asset_id": "x"},
    "audio_segments": [
        {
            "start_timestamp_millis": 100,
            "end_timestamp_millis": 900,
            "text": "Hello",
            "speaker": {"speaker_label": "spk_0"},
            "channel": {"channel_label": "ch_0"},
        }
    ],
}
PCA = {
    "ConversationAnalytics": {
        "GUID": "None",
        "Agent": "None",
        "ConversationTime": "2024-05-01 09:00:00.5",
        "SpeakerLabels": [
            {"Speaker": "spk_0", "DisplayText": "Customer"},
            {"Speaker": "spk_1", "DisplayText": "Agent"},
        ],
        "SourceInformation": [{"TranscribeJobInfo": {"TranscriptionJobName": "job-8.mp3"}}],
    },
    "SpeechSegments": [
        {
            "SegmentStartTime": start,
            "SegmentEndTime": start + 1,
            "SegmentSpeaker": f"spk_{speaker}",
            "OriginalText": text,
            "DisplayText": text,
            "WordConfidence": [{"Text": text, "Confidence": 0.5}],
        }
        for start, speaker, text in ((2.5, 0, "Hi."), (1.0, 1, "Acme, hello."))
    ],
}
ENTRIES = {
    "conversation_info": {"categories": [{"display_name": "billing"}]},
    "entries": [
        {"text": "Hi", "role": "CUSTOMER", "user_id": 1, "start_timestamp_usec": 1714554001000000},
        {"text": "Menu", "role": "AUTOMATED_AGENT", "user_id": 9, "start_timestamp_usec": "1714554000000000"},
        {"text": "Hello", "role": "AGENT", "userId": "2", "startTimestampUsec": "1714554002500000"},
    ],
}


def insight(name, *segments, **more):
    return {
        "name": f"projects/p/locations/l/conversations/{name}",
        "transcript": {"transcriptSegments": [*segments]},
    } | more


INSIGHTS = insight(
    "conv-9",
    {
        "text": "Hello there",
        "words": [
            {"word": "Hello", "endOffset": "0.5s"},
            {"word": "there", "startOffset": "0.5s", "endOffset": "1.1s"},
        ],
        "segmentParticipant": {"role": "HUMAN_AGENT"},
        "sentiment": {},
    },
    {
        "text": "Hi",
        "words": [{"word": "Hi", "startOffset": "1.500s", "endOffset": "2s", "confidence": 0.9}],
        "channelTag": 2,
    },
    medium="PHONE_CALL",
    agentId="ann",
    startTime="2024-05-01T09:00:00Z",
    callMetadata={"agentChannel": 1, "customerChannel": 2},
)
INSIGHTS_SNAKE = {
    "name": "projects/p/locations/l/conversations/conv-10",
    "medium": 2,
    "transcript": {
        "transcript_segments": [
            {
                "text": text,
                "message_time": f"2024-05-01T09:00:0{at}Z",
                "segment_participant": {"role": role, "user_id": who},
            }
            for at, role, who, text in ((0, 2, "bot", "Welcome"), (1, 3, "u", "Hi"), (2, 1, "ann", "Hello"))
        ]
    },
}
PLATFORM = {
    "comm_type": "chat",
    "comm_id": 77,
    "transcript_version": "1.0",
    "timezone": "UTC",
    "assigned_at": "2024-05-01T09:00:00Z",
    "entries": [
        {"timestamp": 1714554000 + at, "role": role, "user_data": who, "type": body["type"], "body": body}
        for at, role, who, body in (
            (0, "end_user", {}, {"type": "text", "content": "Hi"}),
            (1, "virtual_agent", {"name": "V", "id": 5}, {"type": "markdown", "content": "**Menu**"}),
            (2, "system", {}, {"type": "noti", "event": "chatAssigned"}),
            (3, "manager", {"name": "Kim", "id": 6}, {"type": "text", "content": "Hello, Kim here"}),
            (4, "end_user", {}, {"type": "photo", "media_id": 3}),
        )
    ],
}


def heard(text, start, **more):
    return {"word": text.lower(), "punctuated_word": text, "start": start, "end": start + 0.3, **more}


DEEPGRAM = {
    "metadata": {"request_id": "req-11", "channels": 1, "duration": 4.0},
    "results": {
        "channels": [{"alternatives": [{"transcript": "Hello. Hi.", "words": []}]}],
        "utterances": [
            {"start": 0.1, "end": 0.9, "confidence": 0.9, "channel": 0, "transcript": "Hello.", "speaker": 0},
            {"start": 0.8, "end": 1.9, "confidence": 0.8, "channel": 0, "transcript": "Hi.", "speaker": 1},
        ],
    },
}
DEEPGRAM_PARAGRAPHS = {
    "metadata": {"request_id": "req-12"},
    "results": {
        "channels": [
            {
                "alternatives": [
                    {
                        "transcript": "x",
                        "paragraphs": {
                            "paragraphs": [
                                {
                                    "speaker": 1,
                                    "start": 0.0,
                                    "end": 2.0,
                                    "sentences": [{"text": "Hello."}, {"text": "Yes?"}],
                                }
                            ]
                        },
                    }
                ]
            }
        ]
    },
}
DEEPGRAM_WORDS = {
    "metadata": {"request_id": "req-13"},
    "results": {
        "channels": [
            {
                "alternatives": [
                    {
                        "transcript": "x",
                        "words": [heard("Hello.", 0.0, speaker=0), heard("Yes.", 4.0, speaker=0)],
                    }
                ]
            },
            {"alternatives": [{"transcript": "x", "words": [heard("Hi.", 1.0, speaker=0)]}]},
        ]
    },
}
ASSEMBLYAI = {
    "id": "tr-14",
    "status": "completed",
    "audio_url": "https://example.org/a.mp3",
    "audio_duration": 4,
    "text": "Hello. Hi.",
    "words": [],
    "utterances": [
        {"speaker": "A", "start": 100, "end": 900, "text": "Hello.", "confidence": 0.9, "words": []},
        {"speaker": "B", "start": 1000, "end": 1900, "text": "I am ####.", "confidence": 0.8, "words": []},
    ],
}
WHISPERX = {
    "language": "en",
    "word_segments": [],
    "segments": [
        {
            "start": 0.0,
            "end": 1.0,
            "text": " Hello.",
            "speaker": "SPEAKER_00",
            "words": [{"word": "Hello.", "score": 0.5}],
        },
        {
            "start": 1.2,
            "end": float("nan"),
            "text": " Hi, 7.",
            "words": [{"word": "Hi,", "speaker": "SPEAKER_01", "score": 0.9}, {"word": "7."}],
        },
    ],
}
WHISPER_CPP = {
    "result": {"language": "en"},
    "transcription": [
        {
            "timestamps": {"from": "00:00:00,000"},
            "offsets": {"from": 0, "to": 1500},
            "text": " Hello.",
            "speaker": "0",
        },
        {"offsets": {"from": 1500, "to": 2500}, "text": " Hi.", "speaker": "1"},
    ],
}
CHUNKS = {
    "text": "Hello. Hi.",
    "chunks": [{"timestamp": [0.0, 1.5], "text": " Hello."}, {"timestamp": [1.5, None], "text": " Hi."}],
}


def phrase(text, start, status="Success", **more):
    best = [{"confidence": 0.9, "lexical": text.lower(), "maskedITN": "", "display": text}] if text else []
    times = {
        "offset": f"PT{start}S",
        "offsetInTicks": start * 1e7,
        "duration": "PT0.5S",
        "durationInTicks": 5000000,
    }
    return {"recognitionStatus": status, **times, "nBest": best, **more}


AZURE_BATCH = {
    "source": "https://example.org/calls/call%2015.wav?sig=secret",
    "timestamp": "2024-05-01T10:00:00Z",
    "combinedRecognizedPhrases": [{"channel": 0, "display": "All."}],
    "recognizedPhrases": [
        phrase("Hello.", 0.5, channel=0),
        phrase("Bye.", 3.0, channel=0),
        phrase("", 5.0, "NoMatch", channel=0),
        phrase("Hi.", 1.5, channel=1),
    ],
}
AZURE_FAST = {
    "durationMilliseconds": 2000,
    "combinedPhrases": [{"text": "Hello. Hi."}],
    "phrases": [
        {
            "speaker": 1,
            "offsetMilliseconds": 0,
            "durationMilliseconds": 700,
            "text": "Hello.",
            "confidence": 0.9,
        },
        {
            "speaker": 2,
            "offsetMilliseconds": 800,
            "durationMilliseconds": 700,
            "text": "Hi.",
            "confidence": 0.9,
        },
    ],
}
AZURE_LANGUAGE = {
    "displayName": "x",
    "analysisInput": {
        "conversations": [
            {
                "id": "conv-16",
                "language": "en",
                "modality": "transcript",
                "conversationItems": [
                    {
                        "id": "1",
                        "participantId": "Agent_1",
                        "text": "Hello",
                        "conversationItemLevelTiming": {"offset": 10000000, "duration": 20000000},
                    },
                    {"id": "2", "participantId": "7", "role": "Customer", "text": "Hi"},
                    {"id": "3", "participantId": "speaker 1", "role": "Generic", "text": "Mm"},
                ],
            },
            {
                "id": "conv-17",
                "modality": "text",
                "conversationItems": [{"id": "1", "participantId": "1", "text": "x"}],
            },
        ]
    },
}


def element(value, at=None):
    times = {} if at is None else {"ts": at, "end_ts": at + 0.2, "confidence": 0.9}
    return {"type": "punct" if at is None else "text", "value": value, **times}


REVAI = {
    "monologues": [
        {"speaker": 0, "elements": [element("Hi", 0.3), element(","), element(" "), element("Bo", 0.6)]},
        {"speaker": 1, "elements": [element("Yes", 1.0), element(".")]},
    ]
}
TWILIO = {
    "sentences": [
        {
            "media_channel": 2,
            "sentence_index": 1,
            "start_time": "2.5",
            "end_time": "3",
            "transcript": "Hi",
            "confidence": 0.9,
        },
        {
            "media_channel": 1,
            "sentence_index": 0,
            "start_time": 0.5,
            "end_time": 2,
            "transcript": "Acme",
            "confidence": None,
        },
    ],
    "meta": {"url": "https://intelligence.twilio.com/v2/Transcripts/GT0123456789abcdef0123456789abcdef/Sentences"},
}
GONG = {
    "requestId": "r",
    "callTranscripts": [
        {
            "callId": call,
            "transcript": [
                {
                    "speakerId": "51",
                    "topic": None,
                    "sentences": [
                        {"start": 100, "end": 900, "text": "Hi."},
                        {"start": 950, "end": 1800, "text": "Ann here."},
                    ],
                },
                {
                    "speakerId": "52",
                    "topic": "Pricing",
                    "sentences": [{"start": 1700, "end": 2500, "text": "Hello."}],
                },
            ],
        }
        for call in ("701", "702")
    ],
    "calls": [
        {
            "metaData": {"id": "701", "started": "2024-05-01T09:00:00-07:00", "title": "Demo"},
            "parties": [
                {"speakerId": "51", "affiliation": "Internal", "name": "Ann"},
                {"speakerId": "52", "affiliation": "External", "name": "Bo"},
            ],
        }
    ],
}
T0 = 1714554000000
GENESYS = {
    "conversationId": "conv-18",
    "communicationId": "leg-1",
    "mediaType": "call",
    "conversationStartTime": T0,
    "participants": [
        {"participantPurpose": "ivr", "startTimeMs": T0, "endTimeMs": T0 + 5000},
        {
            "participantPurpose": "customer",
            "startTimeMs": T0,
            "endTimeMs": T0 + 60000,
            "participantId": "cust",
        },
        {"participantPurpose": "acd", "startTimeMs": T0 + 5000, "endTimeMs": T0 + 12000},
        {"participantPurpose": "agent", "startTimeMs": T0 + 10000, "endTimeMs": T0 + 30000, "userId": "ann"},
        {"participantPurpose": "agent", "startTimeMs": T0 + 30000, "endTimeMs": T0 + 60000, "userId": "kim"},
    ],
    "transcripts": [
        {
            "transcriptId": "t",
            "language": "en-us",
            "phrases": [
                {
                    "phraseIndex": index,
                    "participantPurpose": side,
                    "text": text.lower(),
                    "decoratedText": text,
                    "startTimeMs": T0 + at,
                    "duration": {"milliseconds": 900},
                    "confidence": 0.8,
                }
                for index, (at, side, text) in enumerate(
                    (
                        (1000, "internal", "Press 1."),
                        (4000, "external", "One."),
                        (11000, "internal", "Ann here."),
                        (31000, "internal", "Kim here."),
                    )
                )
            ],
        }
    ],
}

EXPORTS = {
    "contact_lens": [CONTACT_LENS_VOICE, CONTACT_LENS_CHAT, CONNECT_CHAT, REAL_TIME, REAL_TIME_CHAT],
    "call_analytics": [CALL_ANALYTICS],
    "transcribe": [TRANSCRIBE, TRANSCRIBE_CHANNELS, TRANSCRIBE_SEGMENTS],
    "bedrock_audio": [BEDROCK],
    "aws_pca": [PCA],
    "ccai_entries": [ENTRIES],
    "ccai_insights": [INSIGHTS, INSIGHTS_SNAKE, {"conversations": [INSIGHTS, INSIGHTS_SNAKE]}],
    "ccai_platform": [PLATFORM],
    "deepgram": [DEEPGRAM, DEEPGRAM_PARAGRAPHS, DEEPGRAM_WORDS],
    "assemblyai": [ASSEMBLYAI],
    "whisper": [WHISPERX, WHISPER_CPP, CHUNKS],
    "azure_batch": [AZURE_BATCH, AZURE_FAST],
    "azure_language": [AZURE_LANGUAGE],
    "revai": [REVAI],
    "twilio_sentences": [TWILIO],
    "gong": [GONG],
    "genesys": [GENESYS],
}
"""Format to its examples."""
