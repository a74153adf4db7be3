/** Every engine, with small buffers and known ids. */

import { BusEngine } from "../../../sp/protocol/bus.ts";
import type { RawEngine } from "../../../sp/protocol/device.ts";
import { Pair0Engine } from "../../../sp/protocol/pair0.ts";
import { Pair1Engine } from "../../../sp/protocol/pair1.ts";
import { Pair1PolyEngine } from "../../../sp/protocol/pair1_poly.ts";
import { PubEngine } from "../../../sp/protocol/pub.ts";
import { PullEngine } from "../../../sp/protocol/pull.ts";
import { PushEngine } from "../../../sp/protocol/push.ts";
import { RawRepEngine } from "../../../sp/protocol/raw_rep.ts";
import { RawReqEngine } from "../../../sp/protocol/raw_req.ts";
import { RawRespondentEngine } from "../../../sp/protocol/raw_respondent.ts";
import { RawSubEngine } from "../../../sp/protocol/raw_sub.ts";
import { RawSurveyorEngine } from "../../../sp/protocol/raw_surveyor.ts";
import { RepEngine } from "../../../sp/protocol/rep.ts";
import { ReqEngine } from "../../../sp/protocol/req.ts";
import { RespondentEngine } from "../../../sp/protocol/respondent.ts";
import { SubEngine } from "../../../sp/protocol/sub.ts";
import { SurveyorEngine } from "../../../sp/protocol/surveyor.ts";
import { bytesOf } from "../simulation/fake_pipe.ts";

/** Buffers that are soon full. */
const SMALL = { sendBuffer: 2, receiveBuffer: 3, hopLimit: 3 };

/** What makes an engine of each kind. */
export const ENGINES: Record<string, () => RawEngine> = {
  req: () => new ReqEngine({ firstId: 1, resendTime: 10 }),
  rep: () => new RepEngine(SMALL),
  push: () => new PushEngine(SMALL),
  pull: () => new PullEngine(SMALL),
  pub: () => new PubEngine(SMALL),
  sub: () => {
    const engine = new SubEngine(SMALL);
    engine.subscribe(bytesOf("80"));
    return engine;
  },
  surveyor: () => new SurveyorEngine({ ...SMALL, firstId: 1, surveyTime: 10 }),
  respondent: () => new RespondentEngine(SMALL),
  bus: () => new BusEngine(SMALL),
  pair0: () => new Pair0Engine(SMALL),
  pair1: () => new Pair1Engine(SMALL),
  "pair1 poly": () => new Pair1PolyEngine(SMALL),
  "raw req": () => new RawReqEngine(SMALL),
  "raw rep": () => new RawRepEngine(SMALL),
  "raw sub": () => new RawSubEngine(SMALL),
  "raw surveyor": () => new RawSurveyorEngine(SMALL),
  "raw respondent": () => new RawRespondentEngine(SMALL),
  "raw bus": () => new BusEngine({ ...SMALL, raw: true }),
  "raw pair1": () => new Pair1Engine({ ...SMALL, raw: true }),
};
